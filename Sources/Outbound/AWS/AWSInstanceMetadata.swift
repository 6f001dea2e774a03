import Format
import HTTP
import Model

/// The metadata service of an EC2 instance (IMDSv2, and its first version where the instance still has it). Any thread.
struct AWSInstanceMetadata: Sendable {
  private static let tokenSeconds = 300
  private static let triesMax = 2

  let surroundings: AWSSurroundings

  private var endpoint: String {
    if let endpoint = surroundings.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") {
      return endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    }
    let isIPv6 = surroundings.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.lowercased() == "ipv6"
    return isIPv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
  }

  /// The region of the instance.
  func region(_ isCancelled: @escaping Cancellation) throws(AWSError) -> String {
    let token = try token(isCancelled)
    let body = try get("/latest/dynamic/instance-identity/document", token, isCancelled)
    guard let region = body.lend({ JSONDocument($0) })?["region"]?.text, !region.isEmpty else {
      throw AWSError("the instance identity document has no region")
    }
    return region
  }

  /// The keys of the instance's role.
  func keys(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys {
    let path = "/latest/meta-data/iam/security-credentials/"
    let token = try token(isCancelled)
    let roles = String(decoding: try get(path, token, isCancelled), as: UTF8.self)
    guard let role = roles.split(whereSeparator: \.isNewline).first, !role.isEmpty else {
      throw AWSError("the instance has no role")
    }
    let body = try get(path + PercentText.encode(String(role).withoutOuterSpace), token, isCancelled)
    do throws(AWSError) { return try AWSKeys(json: body) } catch { throw error.within("keys of the role \(role)") }
  }

  /// Nil where the service has no tokens and is asked without one.
  private func token(_ isCancelled: @escaping Cancellation) throws(AWSError) -> String? {
    if surroundings.isTrue("AWS_EC2_METADATA_DISABLED") {
      throw AWSError("AWS_EC2_METADATA_DISABLED is set")
    }
    var request = ClientRequest(method: "PUT", url: endpoint + "/latest/api/token")
    request.headers = [("x-aws-ec2-metadata-token-ttl-seconds", String(Self.tokenSeconds))]
    let isOldRefused = surroundings.isTrue("AWS_EC2_METADATA_V1_DISABLED")
    do throws(HTTPClientError) {
      let answer = try surroundings.metadataClient.send(request, isCancelled: isCancelled)
      if answer.status == 200 { return String(decoding: answer.body, as: UTF8.self).withoutOuterSpace }
      if [403, 404, 405].contains(answer.status) && !isOldRefused { return nil }
      throw .failed(answer.statusText)
    } catch {
      // From within a container the answer with the token may be lost on its way (hop limit 1).
      if error == .timedOut && !isOldRefused { return nil }
      throw AWSError(error.text(of: request))
    }
  }

  private func get(_ path: String, _ token: String?, _ isCancelled: @escaping Cancellation) throws(AWSError) -> [UInt8]
  {
    var request = ClientRequest(url: endpoint + path)
    if let token { request.headers = [("x-aws-ec2-metadata-token", token)] }
    var reason = ""
    for _ in 0..<Self.triesMax {
      do throws(HTTPClientError) {
        let answer = try surroundings.metadataClient.send(request, isCancelled: isCancelled)
        if answer.status == 200 { return answer.body }
        reason = "GET \(request.url): \(answer.statusText)"
        if answer.status < 500 { break }
      } catch {
        reason = error.text(of: request)
      }
    }
    throw AWSError(reason)
  }
}

/// Keys of the role of the instance.
struct AWSInstanceKeys: AWSKeySource {
  let metadata: AWSInstanceMetadata
  /// The sources that were looked at before, each with the reason why it has no keys.
  var triedBefore: [String] = []
  var outlivesExpiry: Bool { true }

  func fetch(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys {
    do throws(AWSError) { return try metadata.keys(isCancelled) } catch {
      let tried = triedBefore + ["instance metadata: \(error)"]
      throw AWSError("no AWS credentials: " + tried.joined(separator: "; "))
    }
  }
}
