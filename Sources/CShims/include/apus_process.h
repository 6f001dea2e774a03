// Process-wide doors: the allocator's settings and thread names.
#ifndef APUS_PROCESS_H
#define APUS_PROCESS_H

#include <stdint.h>

// Bounds glibc's arenas and the memory it keeps; called once, first thing in main.
void apus_allocator_configure(int arena_count_max, int trim_threshold_bytes);
// Gives free memory at the heap's top back to the system.
void apus_allocator_trim(void);
void apus_thread_name(const char *name);

#endif
