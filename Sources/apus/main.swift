import CShims

#if canImport(Glibc)
  import Glibc
#endif

// Large memory is our own arenas'; what is left to malloc should not grow an arena per thread.
apus_allocator_configure(2, 1 << 20)
let status = run(Array(CommandLine.arguments.dropFirst()), environment: processEnvironment())
// Not `exit`: the libraries' destructors would run while threads of theirs may still be at work.
fflush(nil)
_exit(status)
