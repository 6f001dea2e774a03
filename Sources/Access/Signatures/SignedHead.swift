import Format
import HTTP

/// The parts of a request's head that a signature is about. A value.
struct SignedHead: Sendable {
  static let unsignedPayload = "UNSIGNED-PAYLOAD"

  var signed: SignedRequest
  var isPresigned = false
  var isSecure: Bool
  /// As sent: `20150830T123600Z`.
  var time: String
  /// The hash that the client names: in hexadecimal, or a word instead.
  var payload: String?
  var token: String?
  /// How long a signature in the query is good for.
  var expiresSeconds: Int64?

  private static func isAuthorization(_ header: (name: String, value: String)) -> Bool {
    header.name.utf8.count == 13 && header.name.lowercased() == "authorization"
  }

  /// Nil where there is no signature.
  init?(_ request: Request, _ options: SignatureOptions) throws(AccessRefusal) {
    isSecure = request.isSecure
    let authorization = request.header("authorization").flatMap { $0.hasPrefix(SigV4.algorithm) ? $0 : nil }
    let query = request.parameter("X-Amz-Algorithm") != nil
    if !query && authorization == nil { return nil }
    if query && authorization != nil {
      throw AccessRefusal(
        .malformedSignature, status: 400, type: "InvalidQueryStringException",
        "A request is signed in the header Authorization or in its query, not in both.")
    }
    if let authorization {
      if request.headers.count(where: Self.isAuthorization) > 1 {
        throw .incomplete("There is more than one Authorization header.")
      }
      do throws(SignedRequestError) {
        signed = try SignedRequest(authorization: authorization)
      } catch {
        throw AccessRefusal(error)
      }
      guard let time = request.header("x-amz-date") ?? request.header("date") else {
        throw .incomplete(
          "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
      }
      self.time = time
      payload = request.header("x-amz-content-sha256")
      token = request.header("x-amz-security-token")
      return
    }
    if !options.takesPresigned {
      throw .invalid(.malformedSignature, "Signatures in the query are not taken (signatures.presigned).")
    }
    guard request.method == .get || request.method == .head else {
      throw .invalid(.malformedSignature, "A signature in the query is for GET alone.")
    }
    func part(_ name: String) throws(AccessRefusal) -> String {
      guard let value = request.parameter(name) else { throw AccessRefusal(.missing(name)) }
      return value
    }
    if try part("X-Amz-Algorithm") != SigV4.algorithm {
      throw .incomplete("X-Amz-Algorithm must be '\(SigV4.algorithm)'.")
    }
    do throws(SignedRequestError) {
      signed = try SignedRequest(
        credential: request.parameter("X-Amz-Credential") ?? "",
        signedHeaders: request.parameter("X-Amz-SignedHeaders") ?? "",
        signature: request.parameter("X-Amz-Signature") ?? "")
    } catch {
      throw AccessRefusal(error)
    }
    time = try part("X-Amz-Date")
    token = request.parameter("X-Amz-Security-Token")
    isPresigned = true
    guard let seconds = Int64(try part("X-Amz-Expires")), (1...options.presignedSecondsMax).contains(seconds) else {
      throw .incomplete("X-Amz-Expires must be from 1 to \(options.presignedSecondsMax) seconds.")
    }
    expiresSeconds = seconds
  }
}
