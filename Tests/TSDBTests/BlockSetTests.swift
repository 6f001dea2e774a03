import Format
import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import TSDB

@Suite struct BlockSetTests {
  private let hour = BlockBench.hour

  private func data(_ hour: Int64) -> SeriesMap {
    [Labels([("__name__", "metric")]): [hour * 3_600_000: 1, hour * 3_600_000 + 5: 2]]
  }

  private func bench() throws -> BlockBench {
    let bench = try BlockBench()
    for start in [0, 2, 4] as [Int64] { try bench.write(data(start), from: start * hour, to: (start + 2) * hour) }
    return bench
  }

  private func cut(_ path: String, to size: Int, _ disk: SimulatedDisk) throws {
    let file = try disk.open(path, .readWrite)
    try file.truncate(to: size)
    try file.close()
  }

  @Test("a damaged block is set aside, said and counted, and the others are served")
  func damage() throws {
    for name in ["meta.json", "index"] {
      let bench = try bench()
      let ulid = try bench.folders[1]
      try cut("/data/\(ulid)/\(name)", to: 7, bench.disk)
      if name == "meta.json" { try cut("/data/\(ulid)/apus.meta", to: 7, bench.disk) }
      let blocks = try bench.open().blocks
      #expect(blocks.current.blocks.map { $0.meta.minTime / hour } == [0, 4], "\(name)")
      #expect(blocks.metrics.setAside.value == 1)
      #expect(try bench.disk.list("/data/quarantine") == [ulid])
      #expect(bench.lines.all.contains { $0.contains(ulid) && $0.contains("level=ERROR") }, "\(bench.lines.all)")
      // The next start has nothing to say.
      #expect(try bench.open().blocks.metrics.setAside.value == 0)
    }
  }

  @Test("a block that cannot be opened because of the disk stays where it is")
  func diskError() throws {
    let bench = try bench()
    let ulid = try bench.folders[1]
    bench.disk.inject(SimulatedFault(code: 24) { operation, path in operation == .map && path.contains(ulid) })
    let blocks = try bench.open().blocks
    #expect(blocks.current.blocks.count == 2 && blocks.metrics.reloadsFailed.value == 1)
    bench.disk.removeFaults()
    #expect(try bench.open().blocks.current.blocks.count == 3)
  }

  @Test("a deletion that did not reach a block which a later start may serve says so")
  func unreached() throws {
    let setup = DatabaseSetup()
    var database = try setup.open()
    let writer = HeadWriter()
    var time = setup.clock.nowMilliseconds()
    for minute in 0..<400 {
      time += 60_000
      setup.clock.advance(milliseconds: 60_000)
      try writer.write([SentSeries("m", 1, [(time, Double(minute))])], to: database.head, now: time)
    }
    #expect(database.flushHead { false })
    let ulid = "\(try #require(database.blocks.current.blocks.first).meta.ulid)"
    setup.disk.inject(
      SimulatedFault(code: 24) { operation, path in operation == .map && path.contains("\(ulid)/index") })
    database = try setup.open()
    setup.disk.removeFaults()
    let all = [try CompiledMatcher(Matcher(.equal, "__name__", "m"))]
    let error = #expect(throws: BlockError.self) { try database.administration.delete(all, in: .min...time) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("block \(ulid) cannot be opened"))
    // All others are reached.
    let left = try database.everything()
    #expect(left.values.allSatisfy { $0.isEmpty }, "\(left)")
    try database.administration.delete(all, in: (time - 60_000)...time)
    database = try setup.open()
    let back = try database.everything()
    #expect(back.values.contains { !$0.isEmpty }, "the block is back")
    try database.administration.delete(all, in: .min...time)
    let rest = try database.everything()
    #expect(rest.values.allSatisfy { $0.isEmpty }, "\(rest)")
  }

  @Test("what unfinished work has left is removed, other people's folders are not")
  func rubbish() throws {
    let bench = try bench()
    let names = try bench.folders
    for name in [
      "\(bench.newULID()).tmp-for-creation", "\(bench.newULID()).tmp-for-deletion", "\(bench.newULID()).tmp",
    ] {
      try bench.disk.makeDirectories("/data/\(name)/chunks")
    }
    for name in ["notes", "lower.tmp", "\(bench.newULID())".lowercased()] {
      try bench.disk.makeDirectories("/data/\(name)")
    }
    #expect(try bench.open().blocks.current.blocks.count == 3)
    let left = try bench.folders
    #expect(left.count == names.count + 3 && Set(names).isSubset(of: left))
  }

  @Test("parents of a block that is there are removed, damaged ones too")
  func parents() throws {
    let bench = try bench()
    let before = try bench.open().blocks.current.blocks
    let merge = BlockMerge(before, now: bench.now)
    _ = try merge.run(in: BlockBench.root, on: bench.disk)
    try cut("/data/\(before[0].meta.ulid)/index", to: 7, bench.disk)
    let blocks = try bench.open().blocks
    #expect(blocks.current.blocks.count == 1 && blocks.metrics.setAside.value == 0)
    #expect(try bench.folders == blocks.current.blocks.map { "\($0.meta.ulid)" })
    #expect(try samples(of: blocks.current)?.values.map(\.count) == [6])
  }

  @Test("a folder that cannot be removed is not served, holds compaction, and is removed later")
  func unremoved() throws {
    let bench = try bench()
    let (blocks, compactor) = try bench.open()
    let doomed = blocks.current.blocks[0]
    bench.disk.inject(
      SimulatedFault(code: 5) { operation, path in operation == .rename && path.contains("\(doomed.meta.ulid)") })
    blocks.changeLock.withLock { blocks.drop([doomed]) }
    #expect(blocks.current.blocks.count == 2 && blocks.hasUnremoved && blocks.metrics.removalsFailed.value == 1)
    compactor.round(CompactionOptions(), now: bench.now)
    #expect(blocks.hasUnremoved)
    bench.disk.removeFaults()
    compactor.round(CompactionOptions(), now: bench.now)
    #expect(!blocks.hasUnremoved)
    #expect(try bench.folders.count == 2)
  }

  @Test("changes run one at a time, and one can see that another waits")
  func changeLock() throws {
    let changeLock = BlockChangeLock()
    let inside = Mutex((now: 0, most: 0, total: 0))
    var threads: [NamedThread] = []
    changeLock.withLock {
      #expect(!changeLock.isAwaited)
    }
    for index in 0..<8 {
      threads.append(
        try NamedThread(name: "change-\(index)") {
          for _ in 0..<200 {
            changeLock.withLock {
              inside.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
                state.total += 1
              }
              inside.withLock { $0.now -= 1 }
            }
          }
        })
    }
    for thread in threads { thread.join() }
    #expect(inside.withLock { $0.most } == 1 && inside.withLock { $0.total } == 1600)
    let waiter = try changeLock.withLock {
      let waiter = try NamedThread(name: "waiter") { changeLock.withLock { inside.withLock { $0.total += 1 } } }
      while !changeLock.isAwaited {}
      return waiter
    }
    waiter.join()
    #expect(inside.withLock { $0.total } == 1601 && !changeLock.isAwaited)
  }
}
