import Ingest
import Model
import TestKit
import Testing
import Workspaces

/// Replicas that write to many workspaces of one server.
@Suite struct WorkspaceReplicaTests {
  private static let ringBytes = 20_000

  private func settings(_ id: String) -> WorkspaceSettings {
    var settings = WorkspaceBench.settings(id)
    settings.ha.ringBytes = Self.ringBytes
    return settings
  }

  private func body(_ replica: String, at time: Int64) -> [UInt8] {
    var body = RemoteWriteBody()
    for number in 0..<100 {
      let value = Double(number) * Double(time).squareRoot()
      body.add("m\(number)", ["__replica__": replica, "cluster": "c"], [(timestamp: time, value: value)])
    }
    return body.snappy
  }

  private func sum(_ metric: String, _ bench: WorkspaceBench) -> Int {
    let samples = bench.registry.families().filter { $0.name == metric }.flatMap(\.samples)
    return Int(samples.reduce(0) { $0 + $1.value })
  }

  @Test(
    "what followers have sent to all workspaces together stays within four rings, and comes back when it is too old")
  func sharedRings() throws {
    let bench = try WorkspaceBench()
    let ids = (0..<7).map { "w\($0)" }
    bench.set.reconfigure(([WorkspaceSettings.defaultID] + ids).map(settings), createsOnWrite: false)
    /// More than a ring holds, of a follower of the workspace.
    func fill(_ id: String?) throws {
      let receiver = try #require(bench.set[id]).receiver
      for second in 0..<10 as Range<Int64> {
        for replica in ["a", "b"] {
          let body = body(replica, at: bench.clock.nowMilliseconds() + second)
          let outcome = body.lend { receiver.receive($0, encoding: .snappy) }
          if replica == "a" { #expect(outcome == .stored) }
        }
      }
    }
    let (one, all) = (Self.ringBytes, Self.ringBytes * RingBudget.fullRings)
    for (place, id) in ([nil] + ids).enumerated() {
      try fill(id)
      let kept = sum("apus_ha_ring_bytes", bench)
      #expect(kept <= min(all, (place + 1) * one) && kept > min(all, (place + 1) * one) * 3 / 4, "\(place): \(kept)")
    }
    #expect(sum("apus_ha_ring_evictions_total", bench) > 0)
    // A workspace that is closed leaves its share to others, and so does one whose bodies are too old.
    #expect(try bench.set.delete("w0"))
    #expect(sum("apus_ha_ring_bytes", bench) < all - one / 2)
    try fill("w6")
    #expect(sum("apus_ha_ring_bytes", bench) > all - one / 2)
    bench.clock.advance(milliseconds: 91_000)
    for workspace in bench.set.all { workspace.receiver.intake.replicas.expireKept() }
    #expect(sum("apus_ha_ring_bytes", bench) == 0)
  }
}
