import Glibc
import TestKit

/// What became of a load.
struct SentLoad: Sendable {
  /// Order-independent over bodies: equal exactly when (almost surely) the same bodies were sent.
  var digest: UInt64 = 0
  var wireBytes = 0
  /// Bodies that were answered 429 or 503 and sent again.
  var retries = 0
  var lastSeries = 0
  var lastValue = 0.0
  /// From the first body of any connection on; the first values are drawn before.
  var firstSent: ContinuousClock.Instant
  var wallSeconds = 0.0
  var generatorCPUSeconds = 0.0
}

/// Sends a whole workload to a server over keep-alive connections, each with its share of the bodies and a thread of
/// its own, in the order of their timestamps.
struct LoadSender: Sendable {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  static let retriesMax = 600

  var workload: Workload
  var connections: Int
  /// Between two bodies of a connection.
  var pauseMilliseconds = 0
  /// The headers of a body.
  var headers: @Sendable ([UInt8]) -> [(String, String)] = { _ in RemoteWriteBody.headers }
  /// Told of each scrape before it is sent, by every connection.
  var onScrape: @Sendable (Int) -> Void = { _ in }

  func send(to port: UInt16) throws(Failure) -> SentLoad {
    let cpuBefore = ownCPUSeconds()
    let parts = onThreads(connections) { connection -> Result<SentLoad, Failure> in
      do throws(Failure) {
        return .success(try sendShare(connection, port))
      } catch {
        return .failure(error)
      }
    }
    var whole = SentLoad(firstSent: .now)
    for part in parts {
      let load = try part.get()
      whole.digest ^= load.digest
      whole.wireBytes += load.wireBytes
      whole.retries += load.retries
      whole.firstSent = min(whole.firstSent, load.firstSent)
      if load.lastSeries >= whole.lastSeries {
        whole.lastSeries = load.lastSeries
        whole.lastValue = load.lastValue
      }
    }
    whole.wallSeconds = (ContinuousClock.now - whole.firstSent).inSeconds
    whole.generatorCPUSeconds = ownCPUSeconds() - cpuBefore
    return whole
  }

  /// The bodies whose number leaves the remainder `share`.
  private func sendShare(_ share: Int, _ port: UInt16) throws(Failure) -> SentLoad {
    var bodies = BodyMaker(workload, share: share, of: connections)
    var load = SentLoad(firstSent: .now)
    let replicas = max(workload.replicas.count, 1)
    do {
      var connection = try connect(to: port)
      for scrape in 0..<workload.scrapes {
        onScrape(scrape)
        for index in 0..<bodies.count {
          bodies.move(index)
          for replica in 0..<replicas {
            bodies.make(index, scrape: scrape, replica: replica)
            let number = (scrape * workload.bodiesPerScrape + bodies.number(index)) * replicas + replica
            load.digest ^= digest(of: bodies.compressed) &* UInt64(2 * number + 1)
            load.wireBytes += bodies.compressed.count
            if pauseMilliseconds > 0 { sleepThread(.milliseconds(pauseMilliseconds)) }
            load.retries += try deliver(bodies.compressed, over: &connection)
          }
          load.lastSeries = bodies.lastSeries(index)
          load.lastValue = bodies.lastValue(index)
        }
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(description: "sending failed: \(error)")
    }
    return load
  }

  private func connect(to port: UInt16) throws(HTTPFailure) -> HTTPConnection {
    try HTTPConnection(port: port, timeout: .seconds(120))
  }

  /// Sends one body until it is taken; how often it had to be sent again.
  private func deliver(_ body: [UInt8], over connection: inout HTTPConnection) throws -> Int {
    for retry in 0...Self.retriesMax {
      let answer = try connection.exchange("POST", "/api/v1/write", headers: headers(body), body: body)
      // Some servers end connections after some minutes, in favour of balancers between them and the sender.
      if !answer.keepsAlive { connection = try connect(to: connection.port) }
      if answer.status / 100 == 2 { return retry }
      guard answer.status == 503 || answer.status == 429 else {
        throw Failure(description: "a body was answered \(answer.status): \(answer.text.prefix(300))")
      }
      sleepThread(.milliseconds(100))
    }
    throw Failure(description: "a body was refused \(Self.retriesMax) times")
  }
}

private func ownCPUSeconds() -> Double {
  ProcessUsage(processID: getpid())?.cpuSeconds ?? 0
}
