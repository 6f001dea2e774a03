import CShims

#if canImport(Glibc)
  import Glibc
#endif

// Large memory is our own arenas'; what is left to malloc should not grow an arena per thread.
apus_allocator_configure(2, 1 << 20)
exit(run(Array(CommandLine.arguments.dropFirst()), environment: processEnvironment()))
