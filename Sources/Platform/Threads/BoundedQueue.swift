/// A first-in first-out queue of at most `limit` elements between threads. Any thread may push and pop.
/// Invariant: an element that was pushed is popped once, in order, or comes out of `closeAndDrain`; after `close`
/// nothing is added.
package final class BoundedQueue<Element: Sendable>: Sendable {
  private struct Ring: Sendable {
    var slots: [Element?]
    var first = 0
    var count = 0
    var isClosed = false

    mutating func append(_ element: Element) {
      slots[(first + count) % slots.count] = element
      count += 1
    }

    mutating func removeFirst() -> Element? {
      guard count > 0 else { return nil }
      let element = slots[first].take()
      first = (first + 1) % slots.count
      count -= 1
      return element
    }
  }

  /// The condition that threads wait for which take an element.
  private static var elementCondition: Int { 0 }
  private static var roomCondition: Int { 1 }

  package let limit: Int
  private let ring: Monitor<Ring>

  package init(limit: Int) {
    precondition(limit > 0, "a queue holds at least one element")
    self.limit = limit
    self.ring = Monitor(Ring(slots: Array(repeating: nil, count: limit)), conditionCount: 2)
  }

  /// Adds an element; false when the queue is full or closed.
  package func tryPush(_ element: Element) -> Bool {
    let isPushed = ring.withLock { Self.append(element, to: &$0) == true }
    if isPushed { ring.wakeOne(at: Self.elementCondition) }
    return isPushed
  }

  /// Waits for room. False when the queue is closed, or still full at the deadline.
  package func push(_ element: Element, until deadline: Deadline = .never) -> Bool {
    let isPushed = ring.wait(at: Self.roomCondition, until: deadline) { Self.append(element, to: &$0) } == true
    if isPushed { ring.wakeOne(at: Self.elementCondition) }
    return isPushed
  }

  /// Takes the first element; nil when the queue is empty.
  package func tryPop() -> Element? {
    let element = ring.withLock { $0.removeFirst() }
    if element != nil { ring.wakeOne(at: Self.roomCondition) }
    return element
  }

  /// Waits for an element. Nil when the queue is closed and empty, or still empty at the deadline.
  package func pop(until deadline: Deadline = .never) -> Element? {
    // The outer optional says whether the wait is over, the inner one is its outcome.
    let popped: Element?? = ring.wait(at: Self.elementCondition, until: deadline) { ring -> Element?? in
      if let element = ring.removeFirst() { return .some(element) }
      return ring.isClosed ? .some(nil) : nil
    }
    guard let element = popped ?? nil else { return nil }
    ring.wakeOne(at: Self.roomCondition)
    return element
  }

  /// Refuses further pushes; threads still pop the elements inside. Idempotent.
  package func close() {
    ring.withLock { $0.isClosed = true }
    ring.wakeAll(at: Self.elementCondition)
    ring.wakeAll(at: Self.roomCondition)
  }

  /// Closes the queue and returns the elements inside.
  package func closeAndDrain() -> [Element] {
    let rest = ring.withLock { ring in
      ring.isClosed = true
      var rest: [Element] = []
      while let element = ring.removeFirst() { rest.append(element) }
      return rest
    }
    close()
    return rest
  }

  package var count: Int { ring.withLock { $0.count } }
  package var isClosed: Bool { ring.withLock { $0.isClosed } }

  /// Nil while there is no room, false when there will never be.
  private static func append(_ element: Element, to ring: inout Ring) -> Bool? {
    if ring.isClosed { return false }
    guard ring.count < ring.slots.count else { return nil }
    ring.append(element)
    return true
  }
}
