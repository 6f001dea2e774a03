import HTTP
import Model
import Outbound
import Platform

/// Targets that a server tells, as a JSON list of groups.
final class HTTPDiscovery: Refreshable {
  static let urlLabel = "__meta_url"

  private let options: HTTPDiscoveryOptions
  private let client: SigningClient
  private let failures: Counter

  init(_ options: HTTPDiscoveryOptions, _ surroundings: DiscoverySurroundings) {
    self.options = options
    var limits = HTTPClientOptions()
    limits.userAgent = surroundings.userAgent
    limits.totalMillisecondsMax = Int(
      clamping: max(options.refreshMilliseconds, RefreshSchedule.intervalMillisecondsMin))
    limits.connectMillisecondsMax = limits.totalMillisecondsMax
    limits.responseBytesMax = TargetDocument.bytesMax
    limits.idleConnectionsMax = 1
    client = SigningClient(options.client, signing: options.signing, options: limits)
    failures = HTTPDiscovery.failures(surroundings.registry)
  }

  static func failures(_ registry: MetricsRegistry) -> Counter {
    registry.counter("prometheus_sd_http_failures_total", "Number of HTTP service discovery refresh failures.")
  }

  var mechanism: String { "http" }
  var intervalMilliseconds: Int64 { options.refreshMilliseconds }

  func refresh(isCancelled: @escaping @Sendable () -> Bool) throws(DiscoveryError) -> [TargetGroup] {
    do throws(DiscoveryError) { return try groups(try ask(isCancelled)) } catch {
      if !isCancelled() { failures.add() }
      throw error
    }
  }

  private func ask(_ isCancelled: @escaping @Sendable () -> Bool) throws(DiscoveryError) -> [UInt8] {
    var request = ClientRequest(
      url: options.url,
      headers: [
        ("Accept", "application/json"),
        ("X-Prometheus-Refresh-Interval-Seconds", HTTPDiscovery.seconds(options.refreshMilliseconds)),
      ])
    request.acceptsGzip = true
    let response: ClientResponse
    do throws(HTTPClientError) { response = try client.send(request, isCancelled: isCancelled) } catch {
      throw DiscoveryError(error.text(of: request))
    }
    if response.status != 200 {
      throw DiscoveryError("server returned HTTP status \(response.statusText)")
    }
    let type = response.header("Content-Type") ?? ""
    if !HTTPDiscovery.isJSON(type) { throw DiscoveryError("unsupported content type \(quoted(type))") }
    return response.body
  }

  private func groups(_ body: [UInt8]) throws(DiscoveryError) -> [TargetGroup] {
    var groups = try TargetDocument.read(body, .json)
    for place in groups.indices {
      var labels = LabelsBuilder(groups[place].labels)
      labels.set(HTTPDiscovery.urlLabel, options.url)
      groups[place].labels = labels.labels()
      groups[place].source = "\(options.url):\(place)"
    }
    return groups
  }

  /// Seconds as a decimal number without needless digits.
  static func seconds(_ milliseconds: Int64) -> String {
    var fraction = String(String(milliseconds % 1000 + 1000).dropFirst())
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return fraction.isEmpty ? String(milliseconds / 1000) : "\(milliseconds / 1000).\(fraction)"
  }

  /// `application/json`, with or without the charset UTF-8, in any case.
  static func isJSON(_ type: String) -> Bool {
    let parts = trimmed(type.lowercased()[...]).split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.first == "application/json" else { return false }
    guard parts.count > 1 else { return true }
    let rest = parts[1].drop { " \t\r\n".contains($0) }
    return rest == "charset=utf-8" || rest == "charset=\"utf-8\""
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
