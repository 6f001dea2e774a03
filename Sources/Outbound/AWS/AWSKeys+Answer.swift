import Format
import Model
import Platform

extension AWSKeys {
  /// From the answer of a metadata service, as container credentials and instance metadata write it.
  init(json body: [UInt8]) throws(AWSError) {
    guard let answer = body.lend({ JSONDocument($0) }) else { throw AWSError("the answer is no JSON") }
    if let code = answer["Code"]?.text, code.lowercased() != "success" {
      throw AWSError("\(code): \(answer["Message"]?.text ?? "no message")", code: code)
    }
    try self.init(
      accessKey: answer["AccessKeyId"]?.text, secretKey: answer["SecretAccessKey"]?.text,
      token: answer["Token"]?.text, expiration: answer["Expiration"]?.text)
  }

  /// From the answer of the token service.
  init(credentials: XMLElement) throws(AWSError) {
    try self.init(
      accessKey: credentials.text(of: "AccessKeyId"), secretKey: credentials.text(of: "SecretAccessKey"),
      token: credentials.text(of: "SessionToken"), expiration: credentials.text(of: "Expiration"))
  }

  private init(accessKey: String?, secretKey: String?, token: String?, expiration: String?) throws(AWSError) {
    guard let accessKey, let secretKey, !accessKey.isEmpty, !secretKey.isEmpty else {
      throw AWSError("the answer has no keys")
    }
    self.init(accessKey: accessKey, secretKey: secretKey, sessionToken: token ?? "")
    guard let expiration else { return }
    guard let time = RFC3339.parse(expiration) else { throw AWSError("\(quoted(expiration)) is no time of expiry") }
    expiresMilliseconds = time
  }
}

extension String {
  var withoutOuterSpace: String {
    var text = self[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
