/// A growable array of plain values in raw memory, reused by `removeAll`. One owner; not copyable; never shrinks by
/// itself (`release(above:)` does), so that a worker's scratch settles at the size of its largest body.
package struct Column<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline package private(set) var base: UnsafeMutablePointer<Element>
  @usableFromInline package private(set) var capacity: Int
  @usableFromInline package var count = 0

  package init(capacity: Int = 64) {
    self.capacity = max(capacity, 8)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  @inlinable @inline(__always)
  package mutating func append(_ element: Element) {
    if count == capacity { grow(to: count &+ 1) }
    (base + count).initialize(to: element)
    count &+= 1
  }

  /// Makes the column `newCount` long; new elements have no defined value until they are written.
  package mutating func resize(to newCount: Int) {
    if newCount > capacity { grow(to: newCount) }
    count = newCount
  }

  package mutating func removeAll() { count = 0 }

  /// Gives memory back where it grew past `elements`, after an unusually large body.
  package mutating func release(above elements: Int) {
    guard capacity > elements else { return }
    base.deallocate()
    capacity = elements
    base = .allocate(capacity: elements)
    count = 0
  }

  @inlinable
  package subscript(index: Int) -> Element {
    @inline(__always) get {
      precondition(index >= 0 && index < count)
      return base[index]
    }
    @inline(__always) set {
      precondition(index >= 0 && index < count)
      base[index] = newValue
    }
  }

  /// The elements; valid until the next mutation.
  @inlinable package var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

  @inline(never)
  @usableFromInline
  package mutating func grow(to needed: Int) {
    let larger = max(needed, capacity * 2)
    let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    moved.update(from: base, count: count)
    base.deallocate()
    base = moved
    capacity = larger
  }
}
