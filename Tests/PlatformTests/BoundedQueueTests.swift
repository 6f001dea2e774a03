import PlatformSimulation
import Synchronization
import Testing

@testable import Platform

@Suite struct BoundedQueueTests {
  @Test("a queue keeps order and its limit, at every size and rotation")
  func order() {
    for limit in 1...5 {
      for rotation in 0...limit {
        let queue = BoundedQueue<Int>(limit: limit)
        for value in 0..<rotation {
          #expect(queue.tryPush(value))
          #expect(queue.tryPop() == value)
        }
        for value in 0..<limit { #expect(queue.tryPush(value)) }
        #expect(!queue.tryPush(99))
        #expect(queue.count == limit)
        for value in 0..<limit { #expect(queue.tryPop() == value) }
        #expect(queue.tryPop() == nil)
      }
    }
  }

  @Test("a closed queue takes nothing, gives what it has, then nil")
  func close() {
    let queue = BoundedQueue<Int>(limit: 3)
    #expect(queue.push(1) && queue.push(2))
    queue.close()
    #expect(!queue.tryPush(3) && !queue.push(3))
    #expect(queue.pop() == 1 && queue.pop() == 2 && queue.pop() == nil)
    let other = BoundedQueue<Int>(limit: 3)
    #expect(other.push(1) && other.push(2))
    #expect(other.closeAndDrain() == [1, 2])
    #expect(other.isClosed && other.pop() == nil)
  }

  @Test("every element that several threads push is popped once, and each pusher's stay in order")
  func threads() throws {
    for limit in [1, 2, 7] {
      let queue = BoundedQueue<(pusher: Int, value: Int)>(limit: limit)
      let pushers = try (0..<3).map { pusher in
        try NamedThread(name: "pusher-\(pusher)") {
          for value in 0..<2000 where !queue.push((pusher, value)) { Issue.record("an open queue refused") }
        }
      }
      let popped = Mutex<[[(pusher: Int, value: Int)]]>([])
      let shared = Shared(popped)
      let poppers = try (0..<3).map { index in
        try NamedThread(name: "popper-\(index)") {
          var mine: [(pusher: Int, value: Int)] = []
          while let element = queue.pop() { mine.append(element) }
          shared.value.withLock { $0.append(mine) }
        }
      }
      for thread in pushers { thread.join() }
      queue.close()
      for thread in poppers { thread.join() }
      let lists = shared.value.withLock { $0 }
      for pusher in 0..<3 {
        let values = lists.map { $0.filter { $0.pusher == pusher }.map(\.value) }
        #expect(values.allSatisfy { zip($0, $0.dropFirst()).allSatisfy { $0 < $1 } })
        #expect(values.flatMap(\.self).sorted() == Array(0..<2000))
      }
    }
  }

  @Test("a deadline ends the wait of a pop and of a push, and leaves the queue as it was")
  func deadlines() throws {
    let clock = SimulatedClock()
    let empty = BoundedQueue<Int>(limit: 1)
    let full = BoundedQueue<Int>(limit: 1)
    #expect(full.tryPush(1))
    let results = Lines()
    let popper = try NamedThread(name: "popper") {
      results.add("pop \(String(describing: empty.pop(until: Deadline(milliseconds: 10, of: clock))))")
    }
    let pusher = try NamedThread(name: "pusher") {
      results.add("push \(full.push(2, until: Deadline(milliseconds: 20, of: clock)))")
    }
    clock.waitForWaiters(2)
    clock.advance(milliseconds: 9)
    #expect(results.all == [])
    clock.advance(milliseconds: 1)
    popper.join()
    #expect(results.all == ["pop nil"])
    clock.advance(milliseconds: 10)
    pusher.join()
    #expect(results.all == ["pop nil", "push false"])
    #expect(full.count == 1 && empty.count == 0)
    #expect(empty.pop(until: Deadline(milliseconds: 1)) == nil)
  }

  @Test("closing wakes those who wait")
  func closeWakes() throws {
    let clock = SimulatedClock()
    let empty = BoundedQueue<Int>(limit: 1)
    let full = BoundedQueue<Int>(limit: 1)
    #expect(full.tryPush(1))
    let threads = [
      try NamedThread(name: "pop") { #expect(empty.pop() == nil) },
      try NamedThread(name: "pop-until") { #expect(empty.pop(until: Deadline(milliseconds: 1, of: clock)) == nil) },
      try NamedThread(name: "push") { #expect(!full.push(2, until: Deadline(milliseconds: 1, of: clock))) },
    ]
    clock.waitForWaiters(2)
    empty.close()
    full.close()
    for thread in threads { thread.join() }
  }
}

/// Lends something that cannot be copied to several threads.
final class Shared<Value: ~Copyable & Sendable>: Sendable {
  let value: Value
  init(_ value: consuming Value) { self.value = value }
}
