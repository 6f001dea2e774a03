import Glibc

/// A server that was started and has said it is ready, on a loopback port of its own. Safe to use from any thread.
/// Invariant: the process is gone when the last reference is.
package final class ServerProcess: Sendable {
  package struct StartFailure: Error, CustomStringConvertible {
    package var description: String
  }

  package let child: ChildProcess
  package let port: UInt16
  /// From the start of the process to the first 200 on its ready path.
  package let startDuration: Duration

  package var baseURL: String { "http://127.0.0.1:\(port)" }

  /// Starts `program` and polls `readyPath` until it answers 200.
  package init(
    _ program: String, _ arguments: [String], port: UInt16, readyPath: String = "/-/ready",
    readyWithin deadline: Duration = .seconds(60), environment: [String: String] = [:], directory: String? = nil
  ) throws {
    let start = ContinuousClock.now
    let child = try ChildProcess(program, arguments, environment: environment, directory: directory)
    let answered = eventually(within: deadline, every: .milliseconds(5)) {
      child.poll() != nil || Self.answersOK(port, readyPath)
    }
    startDuration = ContinuousClock.now - start
    guard answered, child.isRunning else {
      let ended = child.poll().map { "ended with \($0)" } ?? "was not ready after \(deadline)"
      child.killAndReap()
      let output = child.standardError.complete().suffix(2000)
      throw StartFailure(description: "\(program) \(arguments.joined(separator: " ")) \(ended): \(output)")
    }
    self.child = child
    self.port = port
  }

  /// One request on a connection of its own.
  package func request(
    _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = [],
    timeout: Duration = .seconds(30)
  ) throws -> HTTPAnswer {
    var connection = try HTTPConnection(port: port, timeout: timeout)
    return try connection.exchange(method, target, headers: headers + [("Connection", "close")], body: body)
  }

  package func get(_ target: String) throws -> HTTPAnswer { try request("GET", target) }

  /// Sends a remote-write body.
  package func write(_ body: RemoteWriteBody, to target: String = "/api/v1/write") throws -> HTTPAnswer {
    try request("POST", target, headers: RemoteWriteBody.headers, body: body.snappy)
  }

  private static func answersOK(_ port: UInt16, _ path: String) -> Bool {
    do {
      var connection = try HTTPConnection(port: port, timeout: .seconds(5))
      return try connection.exchange("GET", path).status == 200
    } catch {
      return false  // not listening yet
    }
  }
}

extension ServerProcess {
  /// The real apus with its data in `data`.
  package static func apus(
    data: String, _ arguments: [String] = [], port: UInt16 = FreePort.next(), readyPath: String = "/-/ready",
    readyWithin deadline: Duration = .seconds(60)
  ) throws -> ServerProcess {
    try ServerProcess(
      try apusBinary(),
      ["--storage.tsdb.path=\(data)", "--web.listen-address=127.0.0.1:\(port)"] + arguments, port: port,
      readyPath: readyPath, readyWithin: deadline)
  }

  /// A real Prometheus with `configuration` (an empty one scrapes nothing) that takes remote writes.
  package static func prometheus(
    _ program: PeerBinary = .prometheus, data: String, configuration: String, _ arguments: [String] = [],
    port: UInt16 = FreePort.next(), readyWithin deadline: Duration = .seconds(60)
  ) throws -> ServerProcess {
    try ServerProcess(
      try program.path(),
      [
        "--config.file=\(configuration)", "--storage.tsdb.path=\(data)",
        "--web.listen-address=127.0.0.1:\(port)", "--web.enable-remote-write-receiver", "--log.level=warn",
      ] + arguments, port: port, readyWithin: deadline)
  }

  /// A real Alertmanager that knows no others.
  package static func alertmanager(
    data: String, configuration: String, _ arguments: [String] = [], port: UInt16 = FreePort.next()
  ) throws -> ServerProcess {
    try ServerProcess(
      try PeerBinary.alertmanager.path(),
      [
        "--config.file=\(configuration)", "--storage.path=\(data)", "--web.listen-address=127.0.0.1:\(port)",
        "--cluster.listen-address=", "--log.level=warn",
      ] + arguments, port: port)
  }

  /// A real VictoriaMetrics, single node.
  package static func victoriaMetrics(
    data: String, _ arguments: [String] = [], port: UInt16 = FreePort.next(),
    readyWithin deadline: Duration = .seconds(60)
  ) throws -> ServerProcess {
    try ServerProcess(
      try PeerBinary.victoriaMetrics.path(),
      [
        "-storageDataPath=\(data)", "-httpListenAddr=127.0.0.1:\(port)", "-retentionPeriod=1y",
        "-loggerLevel=WARN",
      ] + arguments, port: port, readyWithin: deadline)
  }

  /// A real vmagent that scrapes by `configuration` and writes to `target`.
  package static func vmagent(
    configuration: String, writingTo target: String, buffer: String, _ arguments: [String] = [],
    port: UInt16 = FreePort.next()
  ) throws -> ServerProcess {
    try ServerProcess(
      try PeerBinary.vmagent.path(),
      [
        "-promscrape.config=\(configuration)", "-remoteWrite.url=\(target)", "-remoteWrite.tmpDataPath=\(buffer)",
        "-remoteWrite.flushInterval=1s", "-httpListenAddr=127.0.0.1:\(port)",
      ] + arguments, port: port, readyPath: "/health")
  }
}
