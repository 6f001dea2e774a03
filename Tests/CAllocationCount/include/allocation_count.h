// How often the calling thread has asked the C library for memory since it began; -1 where that is not counted, as under
// the address sanitizer. Linking this target is what makes it count.
long apus_allocation_count(void);
