import Format
import Model

/// The token service (STS), which gives the keys of roles. Any thread.
struct AWSTokenService: Sendable {
  private static let version = "2011-06-15"

  let region: String
  let client: OutboundClient
  let surroundings: AWSSurroundings

  /// The keys of a role that other keys may assume.
  func assume(_ role: AWSRole, with keys: AWSKeyCache, _ isCancelled: @escaping Cancellation) throws(AWSError)
    -> AWSKeys
  {
    var parameters = Self.parameters(role)
    if !role.externalID.isEmpty { parameters.append(("ExternalId", role.externalID)) }
    return try send("AssumeRole", parameters, keys, isCancelled)
  }

  /// The keys of a role for a token that says who asks; needs no other keys.
  func assume(
    _ role: AWSRole, webIdentityToken token: String, _ isCancelled: @escaping Cancellation
  ) throws(AWSError) -> AWSKeys {
    let parameters = Self.parameters(role) + [("WebIdentityToken", token)]
    return try send("AssumeRoleWithWebIdentity", parameters, nil, isCancelled)
  }

  private static func parameters(_ role: AWSRole) -> [(name: String, value: String)] {
    var parameters = [("RoleArn", role.arn), ("RoleSessionName", role.sessionName.isEmpty ? "apus" : role.sessionName)]
    if let seconds = role.durationSeconds { parameters.append(("DurationSeconds", String(seconds))) }
    return parameters
  }

  private func send(
    _ operation: String, _ parameters: [(name: String, value: String)], _ keys: AWSKeyCache?,
    _ isCancelled: @escaping Cancellation
  ) throws(AWSError) -> AWSKeys {
    let url = try AWSEndpoint.url(.sts, region: region, given: "", surroundings)
    let service = AWSService(.sts, region: region, url: url, keys: keys, client: client, surroundings)
    let body = try service.send(.form(operation, version: Self.version, parameters), isCancelled)
    let root: XMLElement
    do throws(XMLError) { root = try body.lend { bytes throws(XMLError) in try XMLElement(bytes) } } catch {
      throw AWSError("operation error STS: \(operation), \(error)")
    }
    guard let credentials = root["\(operation)Result"]?["Credentials"] else {
      throw AWSError("operation error STS: \(operation), the answer has no credentials")
    }
    do throws(AWSError) { return try AWSKeys(credentials: credentials) } catch {
      throw error.within("operation error STS: \(operation)")
    }
  }
}
