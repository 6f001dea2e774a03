/// AWS Signature Version 4: a keyed hash over a canonical request, for one day, region and service. Pure.
package struct SigV4: Sendable, Equatable {
  package static let algorithm = "AWS4-HMAC-SHA256"

  package var region: String
  package var service: String
  /// `20150830T123600Z`.
  package let time: String

  package init(region: String, service: String, time: String) {
    self.region = region
    self.service = service
    self.time = time
  }

  /// `date/region/service/aws4_request`.
  package var scope: String { "\(time.prefix(8))/\(region)/\(service)/aws4_request" }

  /// The text that is signed.
  package func stringToSign(_ request: CanonicalRequest) -> String {
    stringToSign(canonical: request.text)
  }

  /// The same of a canonical text that a receiver has made of what it got.
  package func stringToSign(canonical text: String) -> String {
    [Self.algorithm, time, scope, SHA256.hexDigest(of: Array(text.utf8))].joined(separator: "\n")
  }

  /// 64 hexadecimal digits.
  package func signature(_ request: CanonicalRequest, secretKey: String) -> String {
    SHA256.hex(SHA256.authenticationCode(of: Array(stringToSign(request).utf8), key: signingKey(secretKey)))
  }

  /// The value of the header `Authorization`.
  package func authorization(_ request: CanonicalRequest, accessKey: String, secretKey: String) -> String {
    let signature = signature(request, secretKey: secretKey)
    return "\(Self.algorithm) Credential=\(accessKey)/\(scope), SignedHeaders=\(request.signedHeaders), "
      + "Signature=\(signature)"
  }

  /// The key of the day, the region and the service, derived from the secret.
  package func signingKey(_ secretKey: String) -> [UInt8] {
    [String(time.prefix(8)), region, service, "aws4_request"].reduce(Array("AWS4\(secretKey)".utf8)) { key, part in
      SHA256.authenticationCode(of: Array(part.utf8), key: key)
    }
  }
}
