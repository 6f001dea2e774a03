import Platform
import Query
import Synchronization
import Testing

struct QueryLaneTests {
  @Test("work waits for a thread of its lane; when too much waits, the next is refused")
  func queue() throws {
    let lane = try QueryLane(name: "lane", concurrencyMax: 1, queuedMax: 2)
    let gate = Monitor((entered: false, open: false))
    let ran = Atomic<Int>(0)
    #expect(
      lane.submit {
        gate.withLock { $0.entered = true }
        gate.wakeAll()
        _ = gate.wait { $0.open ? true : nil }
        ran.add(1, ordering: .relaxed)
      })
    _ = gate.wait { $0.entered ? true : nil }
    #expect(lane.submit { ran.add(1, ordering: .relaxed) })
    #expect(lane.executor { ran.add(1, ordering: .relaxed) })
    #expect(!lane.submit { ran.add(1, ordering: .relaxed) })
    #expect(lane.activeCount == 3)
    gate.withLock { $0.open = true }
    gate.wakeAll()
    lane.stop()
    #expect(ran.load(ordering: .relaxed) == 3)
    #expect(!lane.submit {})
  }

  @Test("a lane that is busy delays no other")
  func apart() throws {
    let busy = try QueryLane(name: "busy", concurrencyMax: 1, queuedMax: 1)
    let other = try QueryLane(name: "other", concurrencyMax: 1, queuedMax: 1)
    let isDone = Monitor(false)
    #expect(busy.submit { _ = isDone.wait { $0 ? true : nil } })
    #expect(
      other.submit {
        isDone.withLock { $0 = true }
        isDone.wakeAll()
      })
    // Would never return if the other lane's work waited for the busy one.
    other.stop()
    busy.stop()
    #expect(isDone.withLock { $0 })
  }
}
