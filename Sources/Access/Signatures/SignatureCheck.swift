import Format
import HTTP
import Model

/// A signature whose body is arriving. One thread at a time.
package final class SignatureCheck: @unchecked Sendable {
  private static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  private let head: SignedHead
  private let key: AccessKey
  private let verifier: SignatureVerifier
  private var hash = SHA256()
  private var byteCount = 0

  init(_ head: SignedHead, _ key: AccessKey, _ verifier: SignatureVerifier) {
    self.head = head
    self.key = key
    self.verifier = verifier
  }

  /// The one whose key it is.
  package var principal: Principal { key.principal }
  package var keyID: String { key.id }

  package func take(_ piece: UnsafeRawBufferPointer) {
    unsafe hash.update(LentBytes(piece))
    byteCount += piece.count
  }

  /// Nil: the signature is right.
  package func finish(_ request: Request) -> AccessRefusal? {
    let bodyHash = byteCount == 0 ? SignatureCheck.emptyHash : SHA256.hex(hash.digest())
    if let payload = head.payload, payload != SignedHead.unsignedPayload, payload != bodyHash {
      return .invalid(
        .wrongSignature,
        "The body has the SHA-256 \(bodyHash), x-amz-content-sha256 names \(payload).")
    }
    let payload = head.payload ?? bodyHash
    let signing = SigV4(region: head.signed.region, service: head.signed.service, time: head.time)
    let place = SigningKeys.Place(
      accessKey: key.id, generation: key.generation, date: head.signed.date, region: head.signed.region,
      service: head.signed.service)
    let (derived, isNew) = verifier.signingKeys.key(place, signing, secret: key.secret)
    let request = WireForm(request, head, byteCount)
    if request.isSigned(payload, { isRight($0, signing, derived) }) {
      if isNew { verifier.signingKeys.keep(derived, at: place) }
      return isReplayed(request) ? .invalid(.wrongSignature, "The signature was used before.") : nil
    }
    return refusal(request, payload, signing, derived)
  }

  private func isRight(_ canonical: String, _ signing: SigV4, _ derived: [UInt8]) -> Bool {
    let text = Array(signing.stringToSign(canonical: canonical).utf8)
    return SHA256.isSame(SHA256.authenticationCode(of: text, key: derived), head.signed.signature)
  }

  private func isReplayed(_ request: WireForm) -> Bool {
    let now = verifier.clock.monotonicNanoseconds() / 1_000_000
    return request.changesSomething && !verifier.seen.note(head.signed.signature, now: now)
  }

  private func refusal(
    _ request: WireForm, _ payload: String, _ signing: SigV4, _ derived: [UInt8]
  ) -> AccessRefusal {
    var hint: String?
    if byteCount > 0, head.payload == nil,
      request.isSigned(SignatureCheck.emptyHash, { isRight($0, signing, derived) })
    {
      hint = "The signature is that of the same request without a body: the client signs before it has the body."
    } else if !request.absent.isEmpty {
      hint = "The signature covers headers that did not arrive: \(request.absent.joined(separator: ", "))."
    }
    return .mismatch(canonical: request.shown(payload), signing, hint: hint)
  }
}

/// A request as it came over the wire, in the words of the signature's scheme.
private struct WireForm {
  /// The actions that may be repeated: nothing is changed twice.
  private static let repeatable: Set<RouteAction> = [
    .remoteWrite, .queryMetrics, .getSeries, .getLabels, .getMetricMetadata, .listRules, .listAlerts,
  ]

  let method: String
  let path: String
  let query: String
  let signedHeaders: String
  var headers: [(name: String, value: String)] = []
  /// Names that are covered and did not come.
  var absent: [String] = []
  let changesSomething: Bool
  private var otherHost: String?

  init(_ request: Request, _ head: SignedHead, _ byteCount: Int) {
    method = request.method.description
    path = unsafe String(decoding: request.rawPath, as: UTF8.self)
    let wire = unsafe String(decoding: request.rawQuery, as: UTF8.self)
    query = head.isPresigned ? WireForm.withoutSignature(wire) : wire
    signedHeaders = head.signed.signedHeaders
    let isRead = request.method == .get || request.method == .head
    changesSomething = !isRead && !(request.action.map { WireForm.repeatable.contains($0) } ?? true)
    var values: [String: [String]] = [:]
    for (name, value) in request.headers {
      let name = name.lowercased()
      if head.signed.covers(name) { values[name, default: []].append(CanonicalRequest.trimmed(value)) }
    }
    for name in head.signed.headerNames {
      let name = String(name)
      if let found = values[name] {
        headers.append((name, found.joined(separator: ",")))
      } else if name == "content-length" {
        headers.append((name, "\(byteCount)"))
      } else {
        headers.append((name, ""))
        absent.append(name)
      }
    }
    // Clients leave the usual port out of what they sign.
    let host = headers.first { $0.name == "host" }?.value ?? ""
    for port in [":80", ":443"] where host.hasSuffix(port) { otherHost = String(host.dropLast(port.count)) }
  }

  private static func withoutSignature(_ query: String) -> String {
    query.split(separator: "&", omittingEmptySubsequences: false).filter { !$0.hasPrefix("X-Amz-Signature=") }
      .joined(separator: "&")
  }

  /// True if one of the texts that the signer may have signed is right; mostly the first one is.
  func isSigned(_ payload: String, _ isRight: (String) -> Bool) -> Bool {
    // A header that is covered has to be there: one that was taken away is no empty one.
    if !absent.isEmpty { return false }
    let (paths, queries) = (SignatureCandidates.paths(path), SignatureCandidates.queries(query))
    for host in otherHost.map({ [nil, $0] }) ?? [nil] {
      let tail = tail(payload, host: host, isMasked: false)
      for path in paths {
        for query in queries where isRight("\(method)\n\(path)\n\(query)\n\(tail)") { return true }
      }
    }
    return false
  }

  /// The likeliest of these texts, for its sender to compare with; without the token.
  func shown(_ payload: String) -> String {
    let path = SignatureCandidates.paths(path).first ?? "/"
    let query = SignatureCandidates.queries(query).first ?? ""
    return "\(method)\n\(path)\n\(query)\n\(tail(payload, host: nil, isMasked: true))"
  }

  private func tail(_ payload: String, host: String?, isMasked: Bool) -> String {
    var text = ""
    for (name, value) in headers {
      let isToken = name == "x-amz-security-token" || name == "authorization" || name == "cookie"
      text += "\(name):\(isMasked && isToken ? "<secret>" : name == "host" ? host ?? value : value)\n"
    }
    return "\(text)\n\(signedHeaders)\n\(payload)"
  }
}
