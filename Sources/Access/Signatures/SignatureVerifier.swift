import Format
import HTTP
import Platform

/// The result of looking at the head of a request for a signature.
package enum SignatureStart: Sendable {
  /// It carries none.
  case absent
  case refused(AccessRefusal)
  /// All that needs no body is well: the rest follows with it.
  case check(SignatureCheck)
}

/// Verifies AWS Signature Version 4 of requests to the service `aps`. Any thread.
package final class SignatureVerifier: Sendable {
  static let terminator = "aws4_request"

  let options: SignatureOptions
  let clock: any Clock
  let signingKeys = SigningKeys()
  let seen: SeenSignatures

  package init(_ options: SignatureOptions, clock: any Clock) {
    self.options = options
    self.clock = clock
    seen = SeenSignatures(skewMilliseconds: options.skewMilliseconds)
  }

  /// Looks at the head alone; what is wrong there is refused before any of the body is read.
  package func begin(_ request: Request, keys: any AccessKeys) -> SignatureStart {
    do throws(AccessRefusal) {
      guard let head = try SignedHead(request, options) else { return .absent }
      return .check(try check(head, keys))
    } catch {
      return .refused(error)
    }
  }

  private func check(_ head: SignedHead, _ keys: any AccessKeys) throws(AccessRefusal) -> SignatureCheck {
    let signed = head.signed
    guard let key = keys.accessKey(signed.accessKey) else { throw .unknownKey }
    let now = clock.nowMilliseconds()
    if let end = key.notAfter, now > end { throw .expiredKey }
    if signed.terminator != SignatureVerifier.terminator {
      throw .invalid(.scope, "Credential should be scoped with a valid terminator: 'aws4_request'.")
    }
    if signed.service != options.service, !(signed.service.isEmpty && options.takesEmptyService) {
      throw .invalid(.scope, "Credential should be scoped to correct service: '\(options.service)'.")
    }
    if let region = options.region, signed.region != region {
      throw .invalid(.scope, "Credential should be scoped to a valid region.")
    }
    try checkTime(head, now)
    for name in head.isPresigned ? ["host"] : ["host", "x-amz-date"] where !signed.covers(name) {
      throw .incomplete("'\(name)' must be a 'SignedHeader' in the AWS Authorization.")
    }
    if let token = key.sessionToken {
      guard let sent = head.token, SHA256.isSame(Array(token.utf8), Array(sent.utf8)) else { throw .unknownKey }
    }
    try checkPayload(head)
    return SignatureCheck(head, key, self)
  }

  private func checkTime(_ head: SignedHead, _ now: Int64) throws(AccessRefusal) {
    guard let time = BasicTimeText.parse(head.time) else {
      throw .incomplete(
        "Date must be in ISO-8601 'basic format'. Got '\(head.time.prefix(40))'. See http://en.wikipedia.org/wiki/ISO_8601"
      )
    }
    guard head.time.prefix(8) == head.signed.date else {
      throw .invalid(
        .scope,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
          + "'\(head.signed.date.prefix(40))' != '\(head.time.prefix(8))', from '\(head.time)'.")
    }
    let isEarly = time > now + options.skewMilliseconds
    let isLate = head.expiresSeconds.map { now > time + $0 * 1000 } ?? (time < now - options.skewMilliseconds)
    if isEarly || isLate { throw .invalid(.time, staleness(head, now, isLate: isLate)) }
  }

  private func staleness(_ head: SignedHead, _ now: Int64, isLate: Bool) -> String {
    let skew = options.skewMilliseconds
    let (minutes, text) = (skew / 60_000, BasicTimeText.text(now))
    if isLate, let expires = head.expiresSeconds {
      return "Signature expired: \(head.time) with \(expires) seconds is now earlier than \(text)."
    }
    let bound = BasicTimeText.text(isLate ? now - skew : now + skew)
    return isLate
      ? "Signature expired: \(head.time) is now earlier than \(bound) (\(text) - \(minutes) min.)"
      : "Signature not yet current: \(head.time) is still later than \(bound) (\(text) + \(minutes) min.)"
  }

  private func checkPayload(_ head: SignedHead) throws(AccessRefusal) {
    guard let payload = head.payload else { return }
    if payload == SignedHead.unsignedPayload {
      if options.takesUnsignedPayload && head.isSecure { return }
      throw .invalid(.wrongSignature, "UNSIGNED-PAYLOAD is not taken: the signature has to cover the body.")
    }
    if payload.hasPrefix("STREAMING-") {
      throw .invalid(.wrongSignature, "Bodies that are signed in pieces are not taken: '\(payload.prefix(60))'.")
    }
    if SHA256.bytes(ofHex: payload) == nil {
      throw .invalid(
        .wrongSignature, "x-amz-content-sha256 must be the SHA-256 of the body, 64 small hexadecimal digits.")
    }
  }
}
