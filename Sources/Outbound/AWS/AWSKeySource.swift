/// A place that gives keys. Any thread.
protocol AWSKeySource: Sendable {
  /// True if old keys may still be used when they have expired and no new ones can be had: those of the machine itself.
  var outlivesExpiry: Bool { get }
  func fetch(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys
}

/// Keys that are known and stay: of the configuration, the environment, a profile.
struct AWSFixedKeys: AWSKeySource {
  let keys: AWSKeys
  var outlivesExpiry: Bool { false }
  func fetch(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys { keys }
}

/// The keys of a role, which other keys may assume.
struct AWSRoleKeys: AWSKeySource {
  let base: AWSKeyCache
  let tokens: AWSTokenService
  let role: AWSRole
  var outlivesExpiry: Bool { false }

  func fetch(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys {
    try tokens.assume(role, with: base, isCancelled)
  }
}

/// The keys of a role, for the token of a file (a Kubernetes service account); the file is read each time.
struct AWSWebIdentityKeys: AWSKeySource {
  let tokenFile: String
  let tokens: AWSTokenService
  let role: AWSRole
  let surroundings: AWSSurroundings
  var outlivesExpiry: Bool { false }

  func fetch(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys {
    let token: String
    do throws(AWSError) { token = try surroundings.file(tokenFile) } catch {
      throw error.within("unable to read the web identity token file")
    }
    return try tokens.assume(role, webIdentityToken: token.withoutOuterSpace, isCancelled)
  }
}

/// A role, and the session that is asked for.
struct AWSRole: Sendable, Equatable {
  var arn: String
  var sessionName = ""
  var externalID = ""
  var durationSeconds: Int?
}
