import HTTP
import Model

/// Keys that the host of a container gives it: the role of an ECS task, an EKS pod identity. Any thread.
struct AWSContainerKeys: AWSKeySource {
  private static let triesMax = 3

  let url: String
  let surroundings: AWSSurroundings
  var outlivesExpiry: Bool { false }

  /// Nil where the environment names no endpoint.
  init?(_ surroundings: AWSSurroundings) throws(AWSError) {
    self.surroundings = surroundings
    if let full = surroundings.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
      try Self.check(full)
      url = full
    } else if let path = surroundings.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
      url = "http://169.254.170.2" + (path.hasPrefix("/") ? path : "/" + path)
    } else {
      return nil
    }
  }

  /// Keys go in clear text only to the machine itself.
  private static func check(_ url: String) throws(AWSError) {
    if url.hasPrefix("https://") { return }
    guard url.hasPrefix("http://") else { throw AWSError("invalid URI, \(url)") }
    let host = AWSEndpoint.host(of: url)
    let isAllowed =
      host == "localhost" || host == "169.254.170.2" || host == "169.254.170.23" || host == "fd00:ec2::23"
      || host == "::1" || isLoopback(host)
    if !isAllowed {
      throw AWSError("invalid endpoint host, \(quoted(host)), only loopback/ecs/eks hosts are allowed")
    }
  }

  private static func isLoopback(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { $0.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } && UInt8($0) != nil }
  }

  func fetch(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys {
    var request = ClientRequest(url: url)
    if let token = try authorization() { request.headers = [("Authorization", token)] }
    var reason = ""
    for attempt in 0..<Self.triesMax {
      if attempt > 0, !surroundings.retries.pause(before: attempt, isCancelled) { break }
      let answer: ClientResponse
      do throws(HTTPClientError) {
        answer = try surroundings.metadataClient.send(request, isCancelled: isCancelled)
      } catch {
        reason = error.text(of: request)
        continue
      }
      if answer.status == 200 {
        do throws(AWSError) { return try AWSKeys(json: answer.body) } catch { throw error.within(url) }
      }
      reason = "GET \(url): \(answer.statusText): \(String(decoding: answer.body.prefix(200), as: UTF8.self))"
      if answer.status < 500 && answer.status != 429 { break }
    }
    throw AWSError(reason)
  }

  /// Read each time: the token in the file changes.
  private func authorization() throws(AWSError) -> String? {
    guard let path = surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
      return surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    }
    let token: String
    do throws(AWSError) { token = try surroundings.file(path) } catch {
      throw error.within("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    }
    let trimmed = token.withoutOuterSpace
    if trimmed.contains(where: \.isNewline) {
      throw AWSError("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: \(path) has a line break within the token")
    }
    return trimmed
  }
}
