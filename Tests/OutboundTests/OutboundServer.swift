import Glibc
import HTTP
import Outbound
import Platform
import Synchronization
import TestKit
import Testing

/// A server that ends with the test, and tells what it was asked with.
final class OutboundServer: Sendable {
  let server: HTTPServer
  let port: Int

  init(
    listen: String = "127.0.0.1:0", isSecure: Bool = false, _ routes: (inout Router) -> Void = { _ in }
  ) throws {
    var options = HTTPServerOptions()
    options.listenAddress = listen
    options.threadCount = 2
    if isSecure {
      options.tls = FixedTLSMaterial(
        try TLSServerMaterial(
          certificates: Array(TestCertificate.certificate.utf8), key: Array(TestCertificate.key.utf8),
          TLSServerOptions()))
    }
    var router = Router(prefix: "/")
    router.add([.get, .post], "/echo", readsForm: false) { request in
      let names = ["authorization", "x-a", "x-secret", "host", "referer", "user-agent", "accept-encoding", "cookie"]
      let lines = names.compactMap { name in request.header(named: name).map { "\(name): \($0)" } }
      return .text(200, (["method: \(request.method)"] + lines).joined(separator: "\n"))
    }
    router.add(.get, "/from") { .text(200, $0.remoteAddress) }
    routes(&router)
    let log = Log(level: .error, format: .logfmt) { _ in }
    server = HTTPServer(options: options, log: log, metrics: MetricsRegistry(), router: router)
    try server.start()
    port = server.port
  }

  deinit { server.drain(deadlineSeconds: 0) }

  func url(_ path: String, host: String = "127.0.0.1", scheme: String = "http") -> String {
    "\(scheme)://\(host):\(port)\(path)"
  }
}

extension OutboundClient {
  /// The body of an answer, or the error as a user of Prometheus would see it.
  func text(_ url: String, _ change: (inout ClientRequest) -> Void = { _ in }) -> String {
    var request = ClientRequest(url: url)
    change(&request)
    do throws(HTTPClientError) {
      return String(decoding: try send(request).body, as: UTF8.self)
    } catch {
      return error.text(of: request)
    }
  }

  /// The headers that `/echo` was asked with.
  func echo(_ url: String, _ change: (inout ClientRequest) -> Void = { _ in }) -> [String: String] {
    var headers: [String: String] = [:]
    for line in text(url, change).split(separator: "\n") {
      guard let colon = line.firstRange(of: ": ") else { continue }
      headers[String(line[..<colon.lowerBound])] = String(line[colon.upperBound...])
    }
    return headers
  }
}

/// A value that threads share.
final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>
  init(_ value: Value) { mutex = Mutex(value) }
  var value: Value { mutex.withLock { $0 } }
  func update(_ body: @Sendable (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}

/// Waits for what other threads do; false when it does not happen within fifteen seconds.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<3_000 {
    if condition() { return true }
    usleep(5_000)
  }
  return condition()
}

/// The socket tests, one after the other.
@Suite(.serialized) struct OutboundSocketTests {}
