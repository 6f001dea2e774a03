import Format

// Refusals of signatures, in the words of AWS's services.

extension AccessRefusal {
  static let unknownKey = AccessRefusal(
    .unknownCredentials, type: "UnrecognizedClientException",
    "The security token included in the request is invalid.")
  static let expiredKey = AccessRefusal(
    .expiredCredentials, type: "ExpiredTokenException", "The security token included in the request is expired")

  static func incomplete(_ text: String) -> AccessRefusal {
    AccessRefusal(.malformedSignature, type: "IncompleteSignatureException", text)
  }

  static func invalid(_ reason: Reason, _ text: String) -> AccessRefusal {
    AccessRefusal(reason, type: "InvalidSignatureException", text)
  }

  init(_ error: SignedRequestError) {
    self = .incomplete(error.description)
  }

  /// - Parameters:
  ///   - canonical: the text that this server would have signed; it holds what the client has sent, and nothing else.
  ///   - hint: a cause that is known from the body.
  static func mismatch(canonical: String, _ signing: SigV4, hint: String?) -> AccessRefusal {
    var text =
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
      + "and signing method. Consult the service documentation for details."
    if let hint { text += "\n\n" + hint }
    text += "\n\nThe Canonical String for this request should have been\n'\(canonical)'"
    text += "\n\nThe String-to-Sign should have been\n'\(signing.stringToSign(canonical: canonical))'\n"
    return .invalid(.wrongSignature, text)
  }
}
