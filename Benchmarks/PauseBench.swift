import Glibc
import Synchronization
import TestKit

/// The longest wait of single appends and of instant queries while a load comes in whose samples are flushed and compacted
/// beside it. The probes are few and the load is paced, so that it is the server's pauses that show and not its queue.
struct PauseFigures {
  var appends: Waits
  var queries: Waits
  var metrics: String
  var sent: SentLoad

  init(_ contender: Contender, _ workload: Workload, _ options: BenchOptions) throws {
    let trial = try Trial(contender, options)
    let probes = ProbeWaits()
    let settleSeconds = options.settleSeconds
    let isDone = Atomic<Bool>(false)
    let port = trial.server.port
    let present = Atomic<Int64>(workload.firstTimestamp)
    let results = onThreads(3) { thread -> Result<SentLoad?, Error> in
      do {
        switch thread {
        case 0:
          defer { isDone.store(true, ordering: .releasing) }
          var sender = LoadSender(workload: workload, connections: 1, pauseMilliseconds: 4)
          sender.onScrape = { present.store(workload.timestamp(scrape: $0), ordering: .relaxed) }
          let load = try sender.send(to: port)
          // What the load leaves to do is watched as well.
          sleepThread(.seconds(settleSeconds))
          return .success(load)
        case 1: try probes.append(to: port, at: present, until: isDone)
        default: try probes.query(port, at: present, workload, until: isDone)
        }
        return .success(nil)
      } catch {
        isDone.store(true, ordering: .releasing)
        return .failure(error)
      }
    }
    var load: SentLoad?
    var failures: [String] = []
    for result in results {
      switch result {
      case .success(let sent): load = load ?? sent
      case .failure(let error): failures.append("\(error)")
      }
    }
    guard let load, failures.isEmpty else { throw Trial.Failure(description: failures.joined(separator: "; ")) }
    sent = load
    metrics = try trial.server.get("/metrics").text
    (appends, queries) = probes.waits
    trial.end()
  }
}

func runPause(_ options: BenchOptions) throws {
  var options = options
  options.leaveOutOwnMetrics()
  // Twelve hours of samples: five flushes, and compactions of three blocks into one.
  let workload = try options.workload(
    series: options.series ?? 20_000, scrapes: options.scrapes ?? 720, interval: 60_000)
  print(title("pauses", workload, options))
  for contender in options.areContendersChosen ? options.contenders : [.apus] {
    let figures = try PauseFigures(contender, workload, options)
    print("\n\(contender.rawValue)")
    print(
      "  flushes and compactions: "
        + ["apus_head_flush_duration_seconds_count", "prometheus_tsdb_compactions_total"]
        .map { name in "\(name) \(value(of: name, in: figures.metrics))" }.joined(separator: ", "))
    print("  load: \(fixedText(figures.sent.wallSeconds, 1)) s, \(workload.samples) samples")
    print("  appends: \(figures.appends.text)")
    print("  queries: \(figures.queries.text)")
  }
}

private func value(of name: String, in metrics: String) -> String {
  for line in metrics.split(separator: "\n") where line.hasPrefix(name + " ") {
    return String(line.dropFirst(name.count + 1))
  }
  return "-"
}

private func fixedText(_ value: Double, _ digits: Int) -> String { FigureTable.number(value, digits) }

/// How long probes waited, in milliseconds. Each list is one thread's until all have ended.
private final class ProbeWaits: Sendable {
  private let appends = Mutex<[Double]>([])
  private let queries = Mutex<[Double]>([])
  private static let pause = Duration.milliseconds(3)

  /// One sample at a time, of a few series, at the times of the load.
  func append(to port: UInt16, at present: borrowing Atomic<Int64>, until isDone: borrowing Atomic<Bool>) throws {
    var connection = try HTTPConnection(port: port, timeout: .seconds(60))
    var number = 0
    var time = Int64.min
    while !isDone.load(ordering: .acquiring) {
      number += 1
      // Never back: not every server takes late samples.
      time = max(time + 1, present.load(ordering: .relaxed))
      var body = RemoteWriteBody()
      body.add("probe", ["i": "\(number % 7)"], [(time, Double(number))])
      let bytes = body.snappy
      let start = ContinuousClock.now
      let answer = try connection.exchange("POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: bytes)
      let wait = (ContinuousClock.now - start).inSeconds * 1000
      if !answer.keepsAlive { connection = try HTTPConnection(port: connection.port, timeout: .seconds(60)) }
      guard answer.status / 100 == 2 else {
        throw Trial.Failure(description: "a probe was answered \(answer.status): \(answer.text.prefix(200))")
      }
      appends.withLock { $0.append(wait) }
      sleepThread(Self.pause)
    }
  }

  /// All series of one metric, with their last samples.
  func query(
    _ port: UInt16, at present: borrowing Atomic<Int64>, _ workload: Workload, until isDone: borrowing Atomic<Bool>
  ) throws {
    var connection = try HTTPConnection(port: port, timeout: .seconds(60))
    let name = workload.labels(of: 0)[0].1
    while !isDone.load(ordering: .acquiring) {
      let target = "/api/v1/query?query=count(\(name))&time=\(present.load(ordering: .relaxed) / 1000)&nocache=1"
      let start = ContinuousClock.now
      let answer = try connection.exchange("GET", target)
      let wait = (ContinuousClock.now - start).inSeconds * 1000
      if !answer.keepsAlive { connection = try HTTPConnection(port: connection.port, timeout: .seconds(60)) }
      guard answer.status == 200 else {
        throw Trial.Failure(description: "a query was answered \(answer.status): \(answer.text.prefix(200))")
      }
      queries.withLock { $0.append(wait) }
      sleepThread(Self.pause)
    }
  }

  var waits: (appends: Waits, queries: Waits) {
    (Waits(milliseconds: appends.withLock { $0 }.sorted()), Waits(milliseconds: queries.withLock { $0 }.sorted()))
  }
}

/// How long requests of one kind waited, sorted.
struct Waits {
  var milliseconds: [Double]

  var longest: Double? { milliseconds.last }
  func at(_ share: Double) -> Double { milliseconds[Int(Double(milliseconds.count - 1) * share)] }

  var text: String {
    guard let longest else { return "none" }
    return "\(milliseconds.count), median \(fixedText(at(0.5), 2)) ms, p99 \(fixedText(at(0.99), 2)), "
      + "p99.9 \(fixedText(at(0.999), 2)), longest \(fixedText(longest, 2)) ms"
  }
}
