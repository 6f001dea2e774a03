import Synchronization
import TestKit

/// Takes alerts as an Alertmanager or a webhook does, and keeps them. Each sender has a path of its own. Safe to use from
/// any thread.
final class AlertRecorder: Sendable {
  /// One alert of one request.
  struct Delivery: Sendable {
    /// The path of the request.
    let path: String
    let alert: JSONValue
    /// The wall clock at its arrival, in milliseconds.
    let arrivedAt: Int64

    /// The alert's labels as one line.
    var labels: String { ScrapeOutcome.text(alert["labels"]) }
    var name: String { alert["labels"]["alertname"].string ?? "" }
  }

  private final class State: Sendable {
    let deliveries = Mutex<[Delivery]>([])
    let damaged = Mutex<[String]>([])
    let isRefusing = Mutex(false)

    /// The answer to a request.
    func take(_ request: String) -> String {
      let now = nowMilliseconds()
      if isRefusing.withLock({ $0 }) { return AlertRecorder.answer("503 Service Unavailable") }
      let path = String(request.split(separator: " ").dropFirst().first ?? "")
      guard request.hasPrefix("POST "), let end = request.firstRange(of: "\r\n\r\n") else {
        return AlertRecorder.answer("404 Not Found")
      }
      do {
        let body = try JSONValue(parsing: String(request[end.upperBound...]))
        let alerts = body.array ?? body["alerts"].array ?? []
        deliveries.withLock { $0 += alerts.map { Delivery(path: path, alert: $0, arrivedAt: now) } }
        return AlertRecorder.answer("200 OK")
      } catch {
        damaged.withLock { $0.append(request) }
        return AlertRecorder.answer("400 Bad Request")
      }
    }
  }

  private let state: State
  private let server: ScriptedServer

  var address: String { "127.0.0.1:\(server.port)" }
  /// Requests whose bodies are not JSON.
  var damaged: [String] { state.damaged.withLock { $0 } }

  init() throws {
    let state = State()
    server = try ScriptedServer { state.take($0) }
    self.state = state
  }

  /// What came for paths that begin so, in order of arrival.
  func deliveries(to path: String) -> [Delivery] {
    state.deliveries.withLock { $0.filter { $0.path.hasPrefix(path) } }
  }

  /// Answers 503 from now on, or does not any more.
  func refuse(_ refuses: Bool) { state.isRefusing.withLock { $0 = refuses } }

  private static func answer(_ status: String) -> String {
    "HTTP/1.1 \(status)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
  }
}
