import Model
import Platform
import PlatformSimulation
import Synchronization
import TestKit

@testable import Discovery

/// A server of AWS's answers by the names of operations; a test changes them as it goes.
final class AWSScript: Sendable {
  typealias Answer = @Sendable (_ request: String) -> String

  private let answers: Mutex<[String: Answer]>
  private let asked = Mutex<[String]>([])
  /// Set once, when the server can be asked.
  private let server: Mutex<ScriptedServer?> = Mutex(nil)
  private let lines = Mutex<[String]>([])

  init(_ answers: [String: Answer]) throws {
    self.answers = Mutex(answers)
    let server = try ScriptedServer { [weak self] head in self?.answer(head) ?? "" }
    self.server.withLock { $0 = server }
  }

  subscript(operation: String) -> Answer? {
    get { answers.withLock { $0[operation] } }
    set { answers.withLock { $0[operation] = newValue } }
  }

  /// The operations asked for so far.
  var operations: [String] { asked.withLock { $0 } }
  var requests: [String] { server.withLock { $0?.requests ?? [] } }
  var logged: [String] { lines.withLock { $0 } }
  func forgetOperations() { asked.withLock { $0 = [] } }

  private func answer(_ head: String) -> String {
    let operation = Self.operation(head)
    asked.withLock { $0.append(operation) }
    guard let answer = self[operation] else { return Self.wire(400, "{\"__type\":\"Unscripted\"}") }
    return answer(head)
  }

  private static func operation(_ head: String) -> String {
    for mark in ["Action=", "AmazonEC2ContainerServiceV20141113."] {
      if let found = head.firstRange(of: mark) {
        return String(head[found.upperBound...].prefix { $0.isLetter })
      }
    }
    return ""
  }

  static func wire(_ status: Int, _ body: String) -> String {
    "HTTP/1.1 \(status) Status\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
  }

  /// An answer of EC2.
  static func xml(_ operation: String, _ body: String) -> Answer {
    { _ in wire(200, "<\(operation)Response><requestId>r</requestId>\(body)</\(operation)Response>") }
  }

  static func json(_ body: String) -> Answer { { _ in wire(200, body) } }

  /// A refusal of EC2 or of ECS.
  static func refusal(_ status: Int, _ code: String) -> Answer {
    { head in
      head.contains("Action=")
        ? wire(status, "<Response><Errors><Error><Code>\(code)</Code><Message>m</Message></Error></Errors></Response>")
        : wire(status, "{\"__type\":\"\(code)\",\"message\":\"m\"}")
    }
  }

  /// All services at this server, with keys of the environment.
  func surroundings(_ environment: [String: String] = [:]) -> DiscoverySurroundings {
    DiscoverySurroundings(
      clock: SystemClock(),
      log: Log(level: .debug, format: .logfmt) { [weak self] line in self?.lines.withLock { $0.append(line) } },
      registry: MetricsRegistry(), userAgent: "Prometheus/3.5.3",
      environment: [
        "AWS_ENDPOINT_URL": server.withLock { $0?.url("/") } ?? "", "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true",
      ].merging(environment) { $1 })
  }

  /// The targets, or the reason of a failed refresh and what it tells nevertheless.
  static func refresh(_ source: any Refreshable) -> (targets: [Labels]?, failure: String?) {
    do throws(DiscoveryError) {
      return (try source.refresh { false }.flatMap(\.targets), nil)
    } catch {
      return (error.groups?.flatMap(\.targets), error.description)
    }
  }
}
