// Process-wide doors: the allocator's settings, thread names, the kind of a file system, files in memory.
#ifndef APUS_PROCESS_H
#define APUS_PROCESS_H

#include <stdint.h>

// Bounds glibc's arenas and the memory it keeps; called once, first thing in main.
void apus_allocator_configure(int arena_count_max, int trim_threshold_bytes);
// Gives free memory at the heap's top back to the system.
void apus_allocator_trim(void);
void apus_thread_name(const char *name);
// The magic number of the file system that holds the path (statfs's f_type), or -1 with errno set.
long apus_file_system_type(const char *path);
// A file without a name in any file system, closed in children (memfd_create); -1 with errno set.
int apus_memory_file(const char *name);

#endif
