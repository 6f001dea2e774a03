import Glibc

/// Memory that is all zero. Much of it comes as pages that the system zeroes when they are first touched: what nobody touches
/// takes none, and growing a table does not write it twice.
enum ZeroedMemory {
  static func make<Number: FixedWidthInteger>(_ count: Int) -> UnsafeMutablePointer<Number> {
    guard let memory = calloc(count, MemoryLayout<Number>.size) else {
      preconditionFailure("no memory for a table of \(count) numbers")
    }
    return memory.bindMemory(to: Number.self, capacity: count)
  }

  static func free<Number: FixedWidthInteger>(_ memory: UnsafeMutablePointer<Number>) { Glibc.free(memory) }
}
