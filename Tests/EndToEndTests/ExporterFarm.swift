import HTTP
import Platform
import Synchronization
import TestKit

/// Many exporters on one port, one a path, in this process. An answer depends only on how often the same reader (its
/// `User-Agent`) has asked for the same path, so that two servers that scrape see the same sequence, each in its own time.
/// `/for/NAME/PATH` is the exporter of `/PATH` with a count of its own.
/// Safe to use from any thread; it ends with its last reference.
final class ExporterFarm: Sendable {
  /// One scrape of one reader.
  struct Visit: Sendable {
    let request: Request
    /// Counts this reader's earlier scrapes of the path.
    let number: Int
  }

  typealias Exporter = @Sendable (Visit) -> Response

  private struct Key: Hashable {
    var reader: String
    var path: String
  }

  private final class State: Sendable {
    let counts = Mutex<[Key: Int]>([:])
    let exporters: [String: Exporter]

    init(_ exporters: [String: Exporter]) { self.exporters = exporters }

    func answer(_ request: Request) -> Response {
      let path = request.path
      guard let exporter = exporters[ExporterFarm.exporter(of: path)] else { return .text(404, "no such exporter") }
      let key = Key(reader: request.header("User-Agent") ?? "", path: path)
      let number = counts.withLock { counts in
        let number = counts[key, default: 0]
        counts[key] = number + 1
        return number
      }
      return exporter(Visit(request: request, number: number))
    }
  }

  /// Exporters that hang hold a thread each.
  private static let threadCount = 24

  private let state: State
  private let workers: WorkerPool
  private let server: HTTPServer

  var port: Int { server.port }
  var address: String { "127.0.0.1:\(server.port)" }

  /// `exporters` by path.
  init(_ exporters: [String: Exporter]) throws {
    let state = State(exporters)
    let workers = try WorkerPool(name: "exporter", threadCount: Self.threadCount, queueLimit: 1000)
    var options = HTTPServerOptions()
    options.listenAddress = "127.0.0.1:0"
    options.threadCount = 1
    // A whole answer of a few lines is compressed, too: the readers have to unpack it.
    options.gzipBytesMin = 4096
    var router = Router()
    router.add(.get, "/{path...}", run: .queued { [workers] in workers.submit($0) }) { state.answer($0) }
    let log = Log(level: .error, format: .logfmt) { _ in }
    let server = HTTPServer(options: options, log: log, metrics: MetricsRegistry(), router: router)
    try server.start()
    (self.state, self.workers, self.server) = (state, workers, server)
  }

  deinit {
    server.drain(deadlineSeconds: 0)
    workers.stop()
  }

  private static func exporter(of path: String) -> String {
    guard path.hasPrefix("/for/") else { return path }
    let parts = path.split(separator: "/", maxSplits: 2)
    return parts.count == 3 ? "/" + parts[2] : path
  }

  /// Those who have asked.
  var readers: Set<String> { state.counts.withLock { Set($0.keys.map(\.reader)) } }

  /// The number of paths with a count of their own that a reader has asked for, and how often the least asked one was.
  func visits(of reader: String) -> (paths: Int, least: Int) {
    state.counts.withLock { counts in
      let visits = counts.filter { $0.key.reader == reader && $0.key.path.hasPrefix("/for/") }.values
      return (visits.count, visits.min() ?? 0)
    }
  }
}

extension Response {
  static let textFormat = "text/plain; version=0.0.4; charset=utf-8"
  static let openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
  static let protobufFormat =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

  /// An exposition; without a content type the header is left out.
  static func exposing(_ bytes: [UInt8], _ contentType: String? = textFormat) -> Response {
    let response = Response(body: .bytes(bytes))
    return contentType.map { response.with(header: "Content-Type", $0) } ?? response
  }

  static func exposing(_ text: String, _ contentType: String? = textFormat) -> Response {
    exposing(Array(text.utf8), contentType)
  }
}
