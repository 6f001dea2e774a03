import Access
import Format
import HTTP
import Platform
import PlatformSimulation

/// Requests to a verifier, as they would come over a connection.
struct SignedExchange {
  static let id = "AKIDEXAMPLE"
  static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

  struct Keys: AccessKeys {
    var keys: [AccessKey] = []
    func accessKey(_ id: String) -> AccessKey? { keys.first { $0.id == id } }
  }

  let clock: SimulatedClock
  let verifier: SignatureVerifier
  var keys = Keys()

  init(at time: String = "20260101T000000Z", _ options: SignatureOptions = SignatureOptions()) {
    clock = SimulatedClock(nowMilliseconds: BasicTimeText.parse(time) ?? 0)
    verifier = SignatureVerifier(options, clock: clock)
    let principal = Principal(name: "p", statements: [])
    keys.keys = [AccessKey(id: Self.id, secret: Self.secret, principal: principal, generation: 1)]
  }

  typealias Headers = [(name: String, value: String)]

  /// `right`, `absent`, or the refusal.
  func verdict(
    _ method: HTTPMethods, _ target: String, _ headers: Headers, body: [UInt8] = [], action: RouteAction? = nil
  ) -> String {
    var router = Router()
    let handle: @Sendable (Request) -> Response = { request in
      switch verifier.begin(request, keys: keys) {
      case .absent: return .text(200, "absent")
      case .refused(let refusal): return .text(refusal.status, refusal.message)
      case .check(let check):
        check.take(request.body)
        return .text(200, check.finish(request)?.message ?? "right")
      }
    }
    for pattern in ["/", "/{rest...}"] {
      router.add([.get, .post, .put, .delete, .patch], pattern, readsForm: false, action: action, handle)
    }
    let answer = router.exchange(method, target, headers: headers, body: body)
    return String(decoding: answer.bytes, as: UTF8.self).trimmingEnd()
  }

  /// The headers with the one that signs them, as botocore makes it.
  func signed(
    _ method: HTTPMethods, _ target: String, _ headers: Headers, body: [UInt8] = [], time: String? = nil,
    region: String = "us-east-1", service: String = "aps", secret: String = Self.secret, id: String = Self.id
  ) -> Headers {
    let time = time ?? BasicTimeText.text(clock.nowMilliseconds())
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let all = headers + [("x-amz-date", time)]
    let canonical = CanonicalRequest(
      method: method.description, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "", headers: all,
      payloadHash: SHA256.hexDigest(of: body))
    let signing = SigV4(region: region, service: service, time: time)
    return all + [("authorization", signing.authorization(canonical, accessKey: id, secretKey: secret))]
  }
}

extension String {
  fileprivate func trimmingEnd() -> String { hasSuffix("\n") ? String(dropLast()) : self }
}
