import Glibc

/// The memory of open-addressed tables, all zero. A large table comes as pages that the system zeroes when they are first
/// touched, so that growing one does not write it twice.
enum ZeroedSlots {
  static func make(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    guard let memory = calloc(count, MemoryLayout<UInt64>.size) else {
      preconditionFailure("no memory for a table of \(count) slots")
    }
    return memory.bindMemory(to: UInt64.self, capacity: count)
  }

  static func free(_ slots: UnsafeMutablePointer<UInt64>) { Glibc.free(slots) }
}
