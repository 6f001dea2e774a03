import Glibc
import HTTP
import Platform
import Synchronization
import Testing

/// The socket tests, one after the other: they share the machine's ports and two cores.
@Suite(.serialized) struct HTTPSocketTests {}

/// A server on a port of the system's choice that ends with the test.
final class TestServer: Sendable {
  let server: HTTPServer
  let registry = MetricsRegistry()

  init(
    prefix: String = "/", _ change: (inout HTTPServerOptions) -> Void = { _ in }, routes: (inout Router) -> Void
  ) throws {
    var options = HTTPServerOptions()
    options.listenAddress = "127.0.0.1:0"
    options.threadCount = 2
    change(&options)
    var router = Router(prefix: prefix)
    routes(&router)
    let log = Log(level: .error, format: .logfmt) { _ in }
    server = HTTPServer(options: options, log: log, metrics: registry, router: router)
    try server.start()
  }

  deinit { server.drain(deadlineSeconds: 0) }

  var port: Int { server.port }
  func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }
  /// A request that takes a compressed answer.
  func gzipRequest(_ path: String) -> ClientRequest {
    var request = ClientRequest(url: url(path))
    request.acceptsGzip = true
    return request
  }
  func client() -> RawClient { RawClient(port: port) }

  /// One request on a connection of its own.
  func get(_ target: String, _ headers: String = "") -> RawClient.Answer? {
    let client = client()
    client.send("GET \(target) HTTP/1.1\r\nHost: test\r\n\(headers)\r\n")
    return client.readAnswer()
  }

  /// The value of a metric whose labels contain these; 0 without one.
  func metric(_ name: String, _ labels: [String: String] = [:]) -> Double {
    for family in registry.families() where family.name == name {
      for sample in family.samples {
        let has = Dictionary(sample.labels.map { ($0.name, $0.value) }) { first, _ in first }
        if labels.allSatisfy({ has[$0.key] == $0.value }) { return sample.value }
      }
    }
    return 0
  }

  func rejected(_ reason: String) -> Double { metric("apus_http_rejected_requests_total", ["reason": reason]) }
}

/// Waits for what other threads do; false when it does not happen within fifteen seconds.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<3_000 {
    if condition() { return true }
    usleep(5000)
  }
  return condition()
}

/// The number of a piece, and whatever is to be told when an answer lets go of its pieces.
final class PieceCount: @unchecked Sendable {
  private var count = 0
  private let released: @Sendable () -> Void

  init(_ released: @escaping @Sendable () -> Void = {}) { self.released = released }

  deinit { released() }

  func next() -> Int {
    defer { count += 1 }
    return count
  }
}

extension Response {
  /// Pieces of so many letters.
  static func letters(_ pieces: Int, _ bytes: Int, held: Int = 0, released: @escaping @Sendable () -> Void = {})
    -> Response
  {
    let count = PieceCount(released)
    return Response(
      body: .pieces(heldBytes: held) { writer throws(StreamError) in
        try writer.write(Array(repeating: 65, count: bytes))
        return count.next() + 1 == pieces ? .last : .more
      })
  }
}

/// A value that threads share.
final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>
  init(_ value: Value) { mutex = Mutex(value) }
  var value: Value { mutex.withLock { $0 } }
  func update(_ body: @Sendable (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}

/// Work in a thread of its own, at most `max` at a time.
final class TestExecutor: Sendable {
  private final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let running = Shared(0)
  private let max: Int

  init(max: Int = 100) { self.max = max }

  var runningCount: Int { running.value }

  var run: Executor {
    { [self] work in
      if running.value >= max { return false }
      running.update { $0 += 1 }
      let running = running
      let boxed = Work {
        work()
        running.update { $0 -= 1 }
      }
      var thread = pthread_t()
      let context = Unmanaged.passRetained(boxed).toOpaque()
      pthread_create(
        &thread, nil,
        { context in
          if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run() }
          return nil
        }, context)
      pthread_detach(thread)
      return true
    }
  }
}
