import Ingest
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing
import Workspaces

@Suite("Workspaces that writes make")
struct WorkspaceCreationTests {
  private static let refused = "apus_workspace_creations_refused_total"

  @Test("a flood of names on a disk that fails leaves no folders, no list and one line, and the sender may try again")
  func failingDisk() throws {
    let bench = try WorkspaceBench(createsOnWrite: true)
    bench.disk.inject(SimulatedFault(code: 24) { operation, path in operation.isCounted && path.hasSuffix("/wbl") })
    for round in 0..<50 {
      guard case .unavailable(let text) = bench.set.findForWrite("w\(round)") else {
        Issue.record("w\(round) was made")
        return
      }
      #expect(text.contains("w\(round)") && text.contains("Too many open files"), "\(text)")
    }
    #expect(try bench.disk.list("/data/workspaces").isEmpty)
    #expect(bench.told("apus_workspace_failed") == nil)
    #expect(bench.told(Self.refused, "failed") == 50)
    #expect(bench.lines.all.count { $0.contains("did not make its workspace") } == 1)
    #expect(bench.lines.all.count { $0.contains("level=ERROR") } <= 1)
    bench.disk.removeFaults()
    bench.clock.advance(milliseconds: 10_000)
    #expect(bench.write("m", 1, to: "w7") == .stored)
  }

  @Test("at the bound a write is told that there are enough, with a number, a line and no folder")
  func bound() throws {
    let bench = try WorkspaceBench(createsOnWrite: true, bound: WorkspaceBound(descriptors: 42, reserved: 24))
    #expect(bench.write("m", 1, to: "a") == .stored && bench.write("m", 1, to: "b") == .stored)
    for id in ["c", "d"] {
      guard case .unavailable(let text) = bench.set.findForWrite(id) else {
        Issue.record("\(id) was made")
        return
      }
      #expect(text.contains("there are 3 already") && text.contains("limit of open files, 42"), "\(text)")
    }
    #expect(bench.told(Self.refused, "limit") == 2)
    #expect(bench.lines.all.count { $0.contains("did not make its workspace") } == 1)
    #expect(try bench.disk.list("/data/workspaces") == ["a", "b"])
    #expect(bench.write("n", 2, to: "a") == .stored)
  }

  @Test("of more than there is room for, the first of the configuration are served and the others say why not")
  func tooManyConfigured() throws {
    let bench = try WorkspaceBench(["a", "b", "c", "d"], bound: WorkspaceBound(descriptors: 42, reserved: 24))
    #expect(bench.set.all.map(\.id) == ["a", "b", "default"])
    guard case .unavailable(let text) = bench.set.find("d") else {
      Issue.record("it is served")
      return
    }
    #expect(text.contains("there are 3 already"), "\(text)")
    #expect(bench.told("apus_workspace_failed", "c") == 1)
    #expect(WorkspaceBound(descriptors: 1 << 20, reserved: 700).countMax == WorkspaceBound.workspacesMax)
    #expect(WorkspaceBound(descriptors: 1024, reserved: 512).countMax == 85)
  }

  @Test("a write does not wait for a reload that waits for a disk")
  func besideAReload() throws {
    let bench = try WorkspaceBench(createsOnWrite: true)
    let set = bench.set
    // The disk holds up the opening of `slow` until the write has been answered. Both flags are raised once.
    let isReached = CancelFlag()
    let isAnswered = CancelFlag()
    bench.disk.inject(
      SimulatedFault(code: 5) { _, path in
        guard path.hasPrefix("/data/workspaces/slow") else { return false }
        isReached.cancel()
        _ = eventually(within: .seconds(10)) { isAnswered.isCancelled }
        return false
      })
    let reload = try NamedThread(name: "reload") {
      set.reconfigure(["default", "slow"].map(WorkspaceBench.settings), createsOnWrite: true)
    }
    #expect(eventually(within: .seconds(10)) { isReached.isCancelled })
    let start = ContinuousClock.now
    guard case .unavailable(let text) = set.findForWrite("other") else {
      Issue.record("it was made")
      return
    }
    #expect(text.contains("being opened or closed"), "\(text)")
    #expect(ContinuousClock.now - start < .seconds(5))
    isAnswered.cancel()
    reload.join()
    #expect(bench.told(Self.refused, "busy") == 1)
    #expect(bench.write("m", 1, to: "other") == .stored && bench.write("m", 1, to: "slow") == .stored)
  }
}
