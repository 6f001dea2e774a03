import Format
import HTTP
import Platform

/// Signs requests to one service of AWS in one region. Any thread; may ask for keys.
package struct AWSRequestSigner: Sendable {
  package let region: String
  /// The name that the signature is for: `ec2`, `aps`.
  let service: String
  let keys: AWSKeyCache
  let clock: any Clock

  /// Adds the headers of the signature to a request whose headers, address and body do not change any more.
  package func sign(_ request: inout ClientRequest, _ isCancelled: @escaping Cancellation) throws(AWSError) {
    let keys = try keys.keys(isCancelled)
    let parts = AWSEndpoint.parts(of: request.url)
    let signing = SigV4(region: region, service: service, milliseconds: clock.nowMilliseconds())
    request.headers.append(("X-Amz-Date", signing.time))
    if !keys.sessionToken.isEmpty { request.secretHeaders = [("X-Amz-Security-Token", keys.sessionToken)] }
    let canonical = CanonicalRequest(
      method: request.method, path: parts.path, query: parts.query,
      headers: request.headers + request.secretHeaders + [("Host", parts.authority)],
      payloadHash: SHA256.hexDigest(of: request.body ?? []))
    let value = signing.authorization(canonical, accessKey: keys.accessKey, secretKey: keys.secretKey)
    request.secretHeaders.append(("Authorization", value))
  }
}

extension SigV4 {
  /// Signs at a moment in milliseconds since 1970.
  package init(region: String, service: String, milliseconds: Int64) {
    self.init(region: region, service: service, time: BasicTimeText.text(milliseconds))
  }
}
