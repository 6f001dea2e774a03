import HTTP

// Refusals that are no matter of signatures, in the words of AWS's services where those have any.

extension AccessRefusal {
  static func noCredentials(challenge: String?) -> AccessRefusal {
    AccessRefusal(
      .noCredentials, status: challenge == nil ? 403 : 401, type: "MissingAuthenticationTokenException",
      challenge == nil ? "Missing Authentication Token" : "Unauthorized", challenge: challenge)
  }

  static let unknownToken = AccessRefusal(
    .unknownCredentials, status: 401, type: "UnrecognizedClientException", "Unauthorized",
    challenge: "Bearer error=\"invalid_token\"")

  static let wrongPassword = AccessRefusal(
    .wrongPassword, status: 401, type: "UnrecognizedClientException", "Unauthorized",
    challenge: "Basic realm=\"apus\"")

  // The exporter toolkit's.
  static let webCredentials = AccessRefusal(
    .noCredentials, status: 401, type: "", "Unauthorized", challenge: "Basic")
  static let webPassword = AccessRefusal(.wrongPassword, status: 401, type: "", "Unauthorized", challenge: "Basic")

  static let tooManyPasswords = AccessRefusal(
    .busy, status: 429, type: "ThrottlingException", "Too many passwords are tried: try again later")

  /// The same for a workspace that is there and one that is not: nobody learns of those that he may not see.
  static func notAllowed(_ name: String, _ action: RouteAction?, _ workspace: String?) -> AccessRefusal {
    AccessRefusal(
      .policy, type: "AccessDeniedException",
      "User: \(name) is not authorized to perform: \(action?.name ?? "an action that this path does not have") on "
        + "resource: arn:aws:aps:::workspace/\((workspace ?? "default").prefix(64))")
  }
}

/// The key that a signed request names, for lines about it.
enum SignedName {
  static func key(of request: Request) -> String? {
    guard let text = request.header("authorization"), let start = text.firstRange(of: "Credential=") else { return nil }
    let id = text[start.upperBound...].prefix { $0 != "/" && $0 != "," }
    return id.isEmpty ? nil : String(id.prefix(64))
  }
}
