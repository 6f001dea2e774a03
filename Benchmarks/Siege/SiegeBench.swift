import Synchronization
import TestKit

/// A server under siege: every attack at once, beside a good sender, a good reader and a health check. What the good ones saw
/// is judged: nothing acknowledged is lost, nobody waits long, memory stays within its bound and comes back.
func runSiege(_ options: BenchOptions) throws {
  let directory = try TemporaryDirectory("apus-siege", in: BenchFolder.path(options))
  let configuration = try directory.write(SiegeLimits.configuration, to: "apus.yml")
  let server = try ServerProcess.apus(
    data: directory.path("data"),
    ["--config.file=\(configuration)", "--query.timeout=10s", "--query.max-bytes=256MB"] + options.apusFlags)
  let seconds = options.seconds ?? 30
  let good = GoodClients(port: server.port)
  let memory = MemoryWatch(server)
  let port = server.port
  for kind in GoodClients.Kind.allCases { startThread { good.run(kind) } }
  let calm = Duration.seconds(max(3, seconds / 5))
  report("calm")
  memory.watch(calm)
  let residentBefore = memory.bytes
  good.enter(.siege)
  report("siege of \(seconds) s: \(Attack.all.count) attacks")
  let over = SiegeEnd()
  for attack in Attack.all {
    for thread in 0..<attack.threads {
      startThread {
        var number = thread
        while !over.isSet {
          try? attack.strike(port, { over.isSet }, number)
          over.count(attack.name)
          number += attack.threads
        }
      }
    }
  }
  memory.watch(.seconds(seconds))
  over.set()
  let residentMax = memory.bytesMax
  good.enter(.after)
  report("after")
  memory.watch(max(calm, .seconds(10)))
  good.finish()
  let verdict = SiegeVerdict(
    server: server, good: good, seconds: seconds, residentBefore: residentBefore, residentMax: residentMax,
    residentAfter: memory.bytes)
  print(verdict.text(over.counts))
  guard verdict.failures.isEmpty else { throw Trial.Failure(description: verdict.failures.joined(separator: "\n")) }
}

/// What is allowed on the besieged server, so that floods meet a bound.
private enum SiegeLimits {
  static let configuration = """
    apus:
      limits:
        max_active_series: 100000
        max_label_value_bytes: 8192
      ha:
        enabled: true
        max_clusters: 200

    """
}

/// Ends the attackers, and counts their strikes. Any thread.
private final class SiegeEnd: Sendable {
  private let flag = Atomic<Bool>(false)
  private let strikes = Mutex<[String: Int]>([:])
  var isSet: Bool { flag.load(ordering: .acquiring) }
  var counts: [String: Int] { strikes.withLock { $0 } }
  func set() { flag.store(true, ordering: .releasing) }
  func count(_ name: String) { strikes.withLock { $0[name, default: 0] += 1 } }
}

/// Resident memory of a server, looked at every tenth of a second.
struct MemoryWatch {
  private let server: ServerProcess
  private let most = Most()
  private final class Most: Sendable { let bytes = Atomic<Int>(0) }

  init(_ server: ServerProcess) { self.server = server }

  var bytes: Int { server.child.usage?.residentBytes ?? 0 }
  var bytesMax: Int { most.bytes.load(ordering: .relaxed) }

  func watch(_ time: Duration) {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end {
      most.bytes.max(bytes, ordering: .relaxed)
      sleepThread(.milliseconds(100))
    }
  }
}

/// What the good clients saw, and whether that will do.
private struct SiegeVerdict {
  /// The longest a good client may wait at its 99th percentile, and the largest share of its requests that may fail.
  static let p99MillisecondsMax = 2_000.0
  static let failedShareMax = 0.02
  static let residentBytesMax = 1 << 30

  let good: GoodClients
  let residentBefore: Int
  let residentMax: Int
  let residentAfter: Int
  private(set) var failures: [String] = []

  init(
    server: ServerProcess, good: GoodClients, seconds: Int, residentBefore: Int, residentMax: Int, residentAfter: Int
  ) {
    self.good = good
    self.residentBefore = residentBefore
    self.residentMax = residentMax
    self.residentAfter = residentAfter
    if !server.child.isRunning {
      failures.append("the server is gone: \(server.child.standardError.complete().suffix(1500))")
    }
    // A short run says that all attacks can be made; its waits say nothing.
    for kind in GoodClients.Kind.allCases where seconds >= 20 {
      let seen = good.what(kind, .siege)
      let p99 = seen.milliseconds.isEmpty ? .infinity : seen.waits.at(0.99)
      if p99 > Self.p99MillisecondsMax {
        failures.append("\(kind.name): p99 \(Int(p99.isFinite ? p99 : -1)) ms in the siege")
      }
      if Double(seen.failures.count) > Self.failedShareMax * Double(seen.milliseconds.count) {
        failures.append(
          "\(kind.name): \(seen.failures.count) of \(seen.milliseconds.count) failed, first: \(seen.failures[0])")
      }
      if let first = good.what(kind, .after).failures.dropFirst(2).first {
        failures.append("\(kind.name) after the siege: \(first)")
      }
    }
    if residentMax > Self.residentBytesMax { failures.append("memory rose to \(residentMax >> 20) MiB") }
    failures += lost(server)
  }

  /// Samples that were acknowledged and are not answered.
  private func lost(_ server: ServerProcess) -> [String] {
    let times = good.acknowledgedTimes
    guard let first = times.first, let last = times.last else { return ["nothing was acknowledged"] }
    let span = (last - first) / 1000 + 2
    do {
      let answer = try server.query("count_over_time(good[\(span)s])", at: last + 500)
      let short = answer.series.filter { Int($0.points.first?.value ?? 0) < times.count }
      if answer.series.count == GoodClients.seriesCount && short.isEmpty { return [] }
      return [
        "\(answer.series.count) series, \(short.count) of them with fewer than the \(times.count) acknowledged samples"
      ]
    } catch {
      return ["the acknowledged samples cannot be asked for: \(error)"]
    }
  }

  func text(_ strikes: [String: Int]) -> String {
    var rows = [["client", "phase", "requests", "failed", "median ms", "p99 ms", "longest ms"]]
    for kind in GoodClients.Kind.allCases {
      for phase in GoodClients.Phase.allCases {
        let seen = good.what(kind, phase)
        let waits = seen.waits
        rows.append([
          kind.name, "\(phase)", "\(seen.milliseconds.count)", "\(seen.failures.count)",
          seen.milliseconds.isEmpty ? "-" : FigureTable.number(waits.at(0.5), 1),
          seen.milliseconds.isEmpty ? "-" : FigureTable.number(waits.at(0.99), 1),
          FigureTable.number(waits.longest ?? .nan, 1),
        ])
      }
    }
    var attacks = [["attack", "strikes"]]
    for attack in Attack.all { attacks.append([attack.name, "\(strikes[attack.name] ?? 0)"]) }
    return markdownTable(rows, left: [0, 1]) + "\n\n" + markdownTable(attacks)
      + "\n\nresident: \(residentBefore >> 20) MiB before, \(residentMax >> 20) at most, \(residentAfter >> 20) after; "
      + "\(good.acknowledgedTimes.count) bodies acknowledged"
  }
}
