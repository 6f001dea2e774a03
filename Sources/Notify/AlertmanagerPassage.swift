import Discovery
import HTTP
import Outbound
import Platform
import Synchronization

/// Passes requests of users on to the Alertmanagers of their workspaces. Any thread; `pass` waits for the answer.
package final class AlertmanagerPassage: Sendable {
  private struct Way: Sendable {
    var binding: AlertmanagerBinding
    var client: OutboundClient
  }

  private static let threadCount = 2
  private static let queuedMax = 64
  private static let answerBytesMax = 32 << 20

  private let surroundings: DiscoverySurroundings
  private let ways = Mutex<[String: Way]>([:])
  private let threads: WorkerPool

  package init(_ surroundings: DiscoverySurroundings) throws(ThreadError) {
    self.surroundings = surroundings
    threads = try WorkerPool(name: "alertmanager", threadCount: Self.threadCount, queueLimit: Self.queuedMax)
  }

  /// Runs work that waits for an Alertmanager; false where too much waits.
  package func run(_ work: @escaping @Sendable () -> Void) -> Bool { threads.submit(work) }

  package func reconfigure(_ bindings: [AlertmanagerBinding]) {
    let before = ways.withLock { $0 }
    var present: [String: Way] = [:]
    for binding in bindings {
      if let known = before[binding.workspace], known.binding == binding {
        present[binding.workspace] = known
        continue
      }
      var options = HTTPClientOptions()
      options.userAgent = surroundings.userAgent
      options.responseBytesMax = Self.answerBytesMax
      options.redirects = .returned
      present[binding.workspace] = Way(
        binding: binding,
        client: OutboundClient(binding.client, options: options, environment: surroundings.environment))
    }
    let changed = present
    ways.withLock { $0 = changed }
  }

  /// True if the workspace has an Alertmanager.
  package func leads(from workspace: String) -> Bool { ways.withLock { $0[workspace] != nil } }

  /// The answer of the workspace's Alertmanager; nil where it has none. `target`: path and query behind its address.
  package func pass(
    _ method: String, _ target: String, body: [UInt8]?, contentType: String?, of workspace: String
  ) throws(HTTPClientError) -> ClientResponse? {
    guard let way = ways.withLock({ $0[workspace] }) else { return nil }
    var request = ClientRequest(method: method, url: way.binding.url + target, body: body)
    if body != nil { request.headers.append(("Content-Type", contentType ?? "application/json")) }
    request.headers.append(("Accept", "application/json"))
    request.totalMillisecondsMax = Int(max(1, way.binding.timeoutMilliseconds))
    return try way.client.send(request)
  }

  package func stop() { _ = threads.stop(within: 0) }
}
