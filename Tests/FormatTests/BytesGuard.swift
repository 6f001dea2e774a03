import Glibc

/// Memory in which bytes can be laid right before a page that nobody may touch: a reader that goes one byte too far
/// faults. One owner; reused for one input after another.
struct GuardedMemory: ~Copyable {
  private let pages: UnsafeMutableRawPointer
  private let usableBytes: Int

  init(bytesMax: Int) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    usableBytes = (bytesMax + page - 1) / page * page
    pages = mmap(nil, usableBytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(pages != MAP_FAILED, "no memory for a guarded run")
    precondition(mprotect(pages + usableBytes, page, PROT_NONE) == 0, "the guard page cannot be closed")
  }

  deinit { munmap(pages, usableBytes + Int(sysconf(Int32(_SC_PAGESIZE)))) }

  /// The last `count` bytes before the guard, to be written and read.
  func room(_ count: Int) -> UnsafeMutableRawBufferPointer {
    precondition(count <= usableBytes)
    return UnsafeMutableRawBufferPointer(start: pages + (usableBytes - count), count: count)
  }

  /// A copy of `bytes` whose last byte is the last before the guard.
  func lay(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let room = room(bytes.count)
    room.copyBytes(from: bytes)
    return UnsafeRawBufferPointer(room)
  }
}
