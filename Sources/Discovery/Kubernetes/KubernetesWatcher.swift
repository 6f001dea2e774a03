import Format
import HTTP
import Model
import Outbound
import Platform

/// The surroundings of what reads from a cluster.
struct KubernetesSurroundings: Sendable {
  var clock: any Clock
  var log: Log
  var metrics: KubernetesMetrics
  var userAgent: String
  var random = RandomNumbers()
  /// Seconds that the server is asked to keep a watch.
  var watchSeconds = KubernetesWatchCourse.watchSeconds
  /// Milliseconds past these after which a watch that has not ended is given up.
  var watchGraceMilliseconds = 30_000
}

/// Lists the objects of one resource and watches them from then on, on a thread of its own, until it is stopped. While
/// the API server is away it asks again and again; what it has told stays true.
final class KubernetesWatcher: Sendable {
  /// Milliseconds for one page of a list.
  static let pageMillisecondsMax = 300_000
  private static let stackBytes = 512 << 10

  let resource: KubernetesResource
  private let cancel = CancelFlag()
  private let rest = Monitor(())
  private let thread: NamedThread

  /// `tell` gets the events, on the watcher's thread; false ends it.
  init(
    _ resource: KubernetesResource, server: String, client: OutboundClient, _ surroundings: KubernetesSurroundings,
    tell: @escaping @Sendable (KubernetesEvent) -> Bool
  ) throws(ThreadError) {
    self.resource = resource
    let (cancel, rest) = (cancel, rest)
    thread = try NamedThread(name: "kube-watch", stackBytes: Self.stackBytes) {
      var reading = KubernetesReading(
        resource: resource, server: server, client: client, surroundings: surroundings, cancel: cancel)
      while !cancel.isCancelled {
        let pause = reading.step(tell)
        if pause == 0 { continue }
        let deadline = Deadline(milliseconds: pause, of: surroundings.clock)
        let _: Void? = rest.wait(until: deadline) { _ in cancel.isCancelled ? () : nil }
      }
    }
  }

  /// Ends it soon: a request under way is given up within a second or so.
  func stop() {
    cancel.cancel()
    rest.withLock { _ in }
    rest.wakeAll()
  }

  func join() { thread.join() }
}

/// The requests of one watcher. A value that its thread owns.
struct KubernetesReading {
  let resource: KubernetesResource
  let server: String
  let client: OutboundClient
  let surroundings: KubernetesSurroundings
  let cancel: CancelFlag
  private(set) var course = KubernetesWatchCourse()
  /// The last reason that the log has: it is not told again and again.
  private var toldReason = ""

  init(
    resource: KubernetesResource, server: String, client: OutboundClient, surroundings: KubernetesSurroundings,
    cancel: CancelFlag
  ) {
    self.resource = resource
    self.server = server
    self.client = client
    self.surroundings = surroundings
    self.cancel = cancel
  }

  /// Makes the next request and tells its events. Returns the pause in milliseconds before the next.
  mutating func step(_ tell: (KubernetesEvent) -> Bool) -> Int64 {
    var random = surroundings.random
    let request = course.request(seconds: Int.random(in: surroundings.watchSeconds, using: &random))
    var outcome: KubernetesWatchCourse.Outcome
    var milliseconds: Int
    switch request {
    case .list(_, let isFirst):
      if isFirst, !tell(.listBegan) { return 0 }
      milliseconds = KubernetesWatcher.pageMillisecondsMax
    case .watch(_, let seconds): milliseconds = seconds * 1_000 + surroundings.watchGraceMilliseconds
    }
    outcome = perform(request, milliseconds: milliseconds, tell)
    if cancel.isCancelled { return 0 }
    if case .page(_, let next) = outcome, next.isEmpty, !tell(.listEnded) { return 0 }
    return course.take(outcome, random: Double.random(in: 0...1, using: &random))
  }

  private mutating func perform(
    _ step: KubernetesWatchCourse.Request, milliseconds: Int, _ tell: (KubernetesEvent) -> Bool
  ) -> KubernetesWatchCourse.Outcome {
    let (query, isWatch) = Self.parts(step)
    var reader = KubernetesEventReader(resource.kind, isWatch: isWatch)
    var request = ClientRequest(url: url(query), headers: [("Accept", "application/json")])
    request.totalMillisecondsMax = milliseconds
    request.acceptsGzip = !isWatch
    let begin = surroundings.clock.monotonicNanoseconds()
    var hasAnswered = false
    var response: ClientResponse?
    var error: HTTPClientError?
    do throws(HTTPClientError) {
      response = try client.stream(request, isCancelled: { [cancel] in cancel.isCancelled }) { bytes in
        hasAnswered = true
        return reader.take(bytes, tell)
      }
    } catch let failure { error = failure }
    let nanoseconds = surroundings.clock.monotonicNanoseconds() - begin
    if cancel.isCancelled { return .failed }
    surroundings.metrics.observe(
      resource.path, status: response?.status ?? (hasAnswered ? 200 : nil), seconds: Double(nanoseconds) * 1e-9)
    if reader.leftOut > 0 {
      surroundings.log.warn(
        "Kubernetes discovery left objects out: they are larger than "
          + "\(JSONStreamSplitter.valueBytesMax) bytes, or are none",
        ["resource": "\(resource)", "objects": String(reader.leftOut)])
    }
    if let response, response.status == 200, reader.trouble == nil {
      if isWatch { return ended(reader, nanoseconds) }
      if reader.isComplete, let version = reader.version {
        toldReason = ""
        return .page(version: version, next: reader.next)
      }
    }
    if isWatch, let error, hasAnswered, reader.trouble == nil {
      surroundings.log.debug("a Kubernetes watch was cut", ["resource": "\(resource)", "reason": "\(error)"])
      return ended(reader, nanoseconds)
    }
    return failed(reader, response, error.map { $0.text(of: request) })
  }

  private mutating func ended(_ reader: KubernetesEventReader, _ nanoseconds: Int64) -> KubernetesWatchCourse.Outcome {
    toldReason = ""
    return .watchEnded(version: reader.version, milliseconds: nanoseconds / 1_000_000)
  }

  /// Counts and tells a failure, and decides what it means.
  private mutating func failed(
    _ reader: KubernetesEventReader, _ response: ClientResponse?, _ error: String?
  ) -> KubernetesWatchCourse.Outcome {
    let status = reader.trouble.flatMap { $0.code == 0 ? nil : $0.code } ?? response?.status
    let isExpired = status == 410
    if isExpired {
      surroundings.log.debug(
        "a Kubernetes version is too old; its objects are listed again", ["resource": "\(resource)"])
    } else {
      surroundings.metrics.failures.add()
      let reason =
        reader.trouble.map { $0.code == 0 ? $0.message : "\($0.code): \($0.message)" } ?? error
        ?? response.map(Self.text) ?? "no answer"
      if reason != toldReason {
        surroundings.log.warn(
          "Kubernetes discovery cannot read from the API server; the last targets stay, and it is asked again",
          ["resource": "\(resource)", "reason": reason])
        toldReason = reason
      }
    }
    switch status {
    case 410: return .expired
    case 429, 503, 504: return .busy(milliseconds: Self.wish(response))
    case nil: return .busy(milliseconds: nil)
    default: return .failed
    }
  }

  /// The text of an answer that is no good: the API server explains errors in a JSON object.
  private static func text(_ response: ClientResponse) -> String {
    if response.status == 200 { return "the answer ended early" }
    let message = response.body.lend { JSONDocument($0) }?.string("message") ?? ""
    return message.isEmpty ? response.statusText : "\(response.statusText): \(message)"
  }

  /// The pause that the server asks for, in milliseconds.
  private static func wish(_ response: ClientResponse?) -> Int64? {
    response?.header("retry-after").flatMap { Int64($0) }.map { max(0, min($0, 3_600)) * 1_000 }
  }

  private static func parts(_ step: KubernetesWatchCourse.Request) -> (query: [(String, String)], isWatch: Bool) {
    switch step {
    case .list(let query, _): (query, false)
    case .watch(let query, _): (query, true)
    }
  }

  private func url(_ query: [(String, String)]) -> String {
    var query = query
    if !resource.labelSelector.isEmpty { query.append(("labelSelector", resource.labelSelector)) }
    if !resource.fieldSelector.isEmpty { query.append(("fieldSelector", resource.fieldSelector)) }
    return server + resource.path + "?" + query.map { "\($0)=\(PercentText.encode($1))" }.joined(separator: "&")
  }
}
