import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit

@testable import Discovery

/// What a discovery set has told and logged.
final class Told: Sendable {
  private struct State: Sendable {
    var groups: [String: [TargetGroup]] = [:]
    var rounds: [[String]] = []
    var lines: [String] = []
  }

  private let state = Monitor(State())

  func take(_ changes: [String: [TargetGroup]]) {
    state.withLock { state in
      state.groups.merge(changes) { $1 }
      state.rounds.append(changes.keys.sorted())
    }
    state.wakeAll()
  }

  func write(_ line: String) {
    state.withLock { $0.lines.append(line) }
    state.wakeAll()
  }

  var lines: [String] { state.withLock { $0.lines } }
  var rounds: [[String]] { state.withLock { $0.rounds } }
  func groups(_ job: String) -> [TargetGroup]? { state.withLock { $0.groups[job] } }
  func addresses(_ job: String) -> [String]? {
    groups(job).map { $0.flatMap { $0.targets.map { $0[TargetGroup.addressLabel] ?? "" } } }
  }

  /// Waits until the addresses of a job are these.
  func waits(for addresses: [String], of job: String, seconds: Int64 = 20) -> Bool {
    let deadline = Deadline(milliseconds: seconds * 1000)
    while !deadline.isPassed {
      if self.addresses(job) == addresses { return true }
      _ = state.wait(until: Deadline(milliseconds: 50)) { _ -> Bool? in nil }
    }
    return false
  }

  func waitsForLine(_ text: String, seconds: Int64 = 20) -> Bool {
    state.wait(until: Deadline(milliseconds: seconds * 1000)) { $0.lines.contains { $0.contains(text) } ? true : nil }
      ?? false
  }

  func waitsForRounds(_ count: Int, seconds: Int64 = 20) -> Bool {
    state.wait(until: Deadline(milliseconds: seconds * 1000)) { $0.rounds.count >= count ? true : nil } ?? false
  }
}

/// A set with what it told, its registry and its clock.
struct DiscoveryBench {
  let told = Told()
  let registry = MetricsRegistry()
  let surroundings: DiscoverySurroundings
  let set: DiscoverySet

  init(clock: any Clock = SystemClock()) {
    let told = told
    surroundings = DiscoverySurroundings(
      clock: clock, log: Log(level: .debug, format: .logfmt) { told.write($0) }, registry: registry,
      userAgent: "Prometheus/3.5.3")
    set = DiscoverySet(name: "scrape", surroundings) { told.take($0) }
  }

  /// The lines of the exposition that begin so, comments too.
  func metrics(_ prefix: String) -> [String] { exposition(registry).filter { $0.hasPrefix(prefix) } }
}

func exposition(_ registry: MetricsRegistry) -> [String] {
  String(decoding: Exposition.bytes(of: registry.families()), as: UTF8.self).split(separator: "\n").map(String.init)
}

func fixed(_ addresses: String..., source: String = "0", labels: [(name: String, value: String)] = []) -> TargetGroup {
  TargetGroup(
    source: source, labels: Labels(labels), targets: addresses.map { Labels([(TargetGroup.addressLabel, $0)]) })
}
