import Ingest
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing
import Workspaces

@Suite struct WorkspaceSetTests {
  @Test("each workspace has samples, metrics and a data directory of its own, and they are there after a restart")
  func apart() throws {
    let bench = try WorkspaceBench(["a", "b"])
    #expect(bench.write("m", 1, to: nil) == .stored)
    #expect(bench.write("m", 2, to: "a") == .stored)
    #expect(try bench.values("m", in: nil) == [1])
    #expect(try bench.values("m", in: "a") == [2])
    #expect(try bench.values("m", in: "b").isEmpty)
    let stored = bench.registry.families().first { $0.name == "apus_receiver_samples_total" }?.samples ?? []
    #expect(stored.map { "\($0.labels) \($0.value)" } == ["[] 1.0", #"[(name: "workspace", value: "a")] 1.0"#])
    bench.set.close()
    #expect(try bench.disk.list("/data/workspaces") == ["a", "b"])
    let again = try WorkspaceBench(disk: bench.disk, clock: bench.clock, ["a", "b"])
    #expect(try again.values("m", in: nil) == [1])
    #expect(try again.values("m", in: "a") == [2])
    #expect(again.set.all.map(\.id) == ["a", "b", "default"])
  }

  @Test("a workspace whose disk fails leaves the others unmoved, and goes on when its disk does")
  func failingDisk() throws {
    let bench = try WorkspaceBench(["bad", "good"])
    for round in 0..<300 {
      bench.clock.advance(milliseconds: 60_000)
      if round == 100 {
        bench.disk.inject(SimulatedFault(code: 5) { _, path in path.hasPrefix("/data/workspaces/bad/") })
      }
      if round == 200 { bench.disk.removeFaults() }
      #expect(bench.write("m", Double(round), to: nil) == .stored)
      #expect(bench.write("m", Double(round), to: "good") == .stored)
      let outcome = try #require(bench.write("m", Double(round), to: "bad"))
      if case .unavailable = outcome {} else { #expect(!(100..<200).contains(round), "\(round): \(outcome)") }
    }
    let all = (0..<300).map(Double.init)
    #expect(try bench.values("m", in: nil) == all)
    #expect(try bench.values("m", in: "good") == all)
    // What was not acknowledged may be there.
    let kept = try bench.values("m", in: "bad")
    #expect(kept.starts(with: all.prefix(100)) && kept.suffix(100).elementsEqual(all.suffix(100)))
    #expect(bench.lines.contain("workspace=bad", "level=ERROR"))
    #expect(!bench.lines.contain("workspace=good", "level=ERROR"))
  }

  @Test("one that cannot be opened is told, answered with 503, and opened by a later reload")
  func cannotBeOpened() throws {
    let disk = SimulatedDisk()
    disk.inject(SimulatedFault(code: 13) { operation, path in operation.isCounted && path.contains("/workspaces/bad") })
    let bench = try WorkspaceBench(disk: disk, ["bad", "good"])
    guard case .unavailable(let text) = bench.set.find("bad") else {
      Issue.record("it is served")
      return
    }
    #expect(text.contains("bad") && text.contains("Permission denied"))
    #expect(bench.lines.contain("A workspace cannot be opened", "workspace=bad"))
    #expect(bench.registry.families().contains { $0.name == "apus_workspace_failed" && $0.samples.count == 1 })
    #expect(bench.set.isReady && bench.write("m", 1, to: "good") == .stored)
    disk.removeFaults()
    bench.reconfigure(["bad", "good"])
    #expect(bench.write("m", 1, to: "bad") == .stored)
    #expect(try bench.values("m", in: "good") == [1])
  }

  @Test("one that is not configured is unknown, counted, and told once in ten seconds")
  func unknown() throws {
    let bench = try WorkspaceBench(["a"])
    for _ in 0..<5 {
      guard case .unknown(let text) = bench.set.findForWrite("b") else {
        Issue.record("it is served")
        return
      }
      #expect(text == "no such workspace: b")
    }
    #expect(bench.lines.all.count { $0.contains("not configured") } == 1)
    let counted = bench.registry.families().first { $0.name == "apus_unknown_workspace_requests_total" }
    #expect(counted?.samples.first?.value == 5)
    #expect(try !bench.disk.list("/data/workspaces").contains("b"))
  }

  @Test("a write makes a workspace where the configuration says so, never of a name that is none")
  func madeByWrites() throws {
    let bench = try WorkspaceBench(createsOnWrite: true)
    #expect(bench.write("m", 1, to: "ws-0a1b") == .stored)
    for name in ["", "..", "a/b", "-a", String(repeating: "x", count: 65), "ä"] {
      #expect(bench.write("m", 1, to: name) == nil, "\(name)")
    }
    guard case .unknown = bench.set.find("other") else {
      Issue.record("a reading makes a workspace")
      return
    }
    bench.set.close()
    let again = try WorkspaceBench(disk: bench.disk, clock: bench.clock, createsOnWrite: true)
    #expect(try again.values("m", in: "ws-0a1b") == [1])
    again.set.close()
    let without = try WorkspaceBench(disk: bench.disk, clock: bench.clock)
    #expect(without.set["ws-0a1b"] == nil)
    #expect(without.lines.contain("has data and is not configured", "ws-0a1b"))
  }

  @Test(
    "a reload opens and closes workspaces, changes the settings of the others, and keeps the files of those it closes")
  func reload() throws {
    let bench = try WorkspaceBench(["a", "b"])
    #expect(bench.write("m", 1, to: "a") == .stored)
    var limited = WorkspaceBench.settings("b")
    limited.database.head.limits.activeSeriesMax = 1
    bench.set.reconfigure(
      [WorkspaceBench.settings(WorkspaceSettings.defaultID), limited, WorkspaceBench.settings("c")],
      createsOnWrite: false)
    #expect(bench.set.all.map(\.id) == ["b", "c", "default"])
    #expect(bench.set["b"]?.database.head.seriesLimits.activeSeriesMax == 1)
    #expect(bench.write("m", 1, to: "a") == nil)
    #expect(bench.write("m", 1, to: "c") == .stored)
    bench.reconfigure(["a"])
    #expect(try bench.values("m", in: "a") == [1])
  }

  @Test("a deleted workspace takes its files with it; the default one stays")
  func deletion() throws {
    let bench = try WorkspaceBench(["a"])
    #expect(bench.write("m", 1, to: "a") == .stored)
    #expect(try bench.set.delete("a"))
    #expect(try bench.disk.list("/data/workspaces").isEmpty)
    #expect(try !bench.set.delete("a") && !bench.set.delete(WorkspaceSettings.defaultID))
    #expect(
      !bench.registry.families().contains { $0.samples.contains { $0.labels.contains { $0.name == "workspace" } } })
  }

  @Test("workspaces come and go while others are written to and read, and no acknowledged sample is lost")
  func whileOthersRun() throws {
    let bench = try WorkspaceBench(["steady"])
    let set = bench.set
    let changes = try NamedThread(name: "changes") {
      for round in 0..<40 {
        _ = set.add(WorkspaceBench.settings("w\(round % 4)"))
        if round % 3 == 2 { _ = try? set.delete("w\(round % 4)") }
      }
    }
    var stored: [Double] = []
    for round in 0..<400 {
      bench.clock.advance(milliseconds: 1000)
      if bench.write("m", Double(round), to: "steady") == .stored { stored.append(Double(round)) }
      _ = bench.write("m", Double(round), to: "w\(round % 4)")
    }
    changes.join()
    #expect(stored.count == 400)
    #expect(try bench.values("m", in: "steady") == stored)
    set.close()
  }
}
