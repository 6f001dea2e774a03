import Model

/// Finds where keys come from, in the order of AWS's own programs; the first source that is there is the one, whatever becomes of
/// it. A value; reads the shared files once.
struct AWSKeyChain {
  /// Profiles that name each other as their source: so many at most.
  private static let profilesMax = 8

  let settings: AWSSettings
  let surroundings: AWSSurroundings
  let profiles: AWSProfiles
  let tokens: AWSTokenService

  /// The profile in use: that of the settings, of the environment, or `default`.
  static func profileName(_ settings: AWSSettings, _ surroundings: AWSSurroundings) -> String {
    if !settings.profile.isEmpty { return settings.profile }
    return surroundings.variable("AWS_PROFILE") ?? surroundings.variable("AWS_DEFAULT_PROFILE") ?? "default"
  }

  /// The keys that the settings lead to, those of their role included.
  func keys() throws(AWSError) -> AWSKeyCache {
    let base = try base()
    if settings.roleARN.isEmpty { return base }
    let role = AWSRole(arn: settings.roleARN, externalID: settings.externalID)
    return cache(AWSRoleKeys(base: base, tokens: tokens, role: role))
  }

  private func cache(_ source: any AWSKeySource) -> AWSKeyCache { AWSKeyCache(source, clock: surroundings.clock) }

  private func base() throws(AWSError) -> AWSKeyCache {
    if !settings.accessKey.isEmpty && !settings.secretKey.isEmpty {
      return cache(AWSFixedKeys(keys: AWSKeys(accessKey: settings.accessKey, secretKey: settings.secretKey)))
    }
    let name = Self.profileName(settings, surroundings)
    if !settings.profile.isEmpty { return try keys(ofProfile: name, seen: []) }
    if let keys = environmentKeys { return cache(AWSFixedKeys(keys: keys)) }
    if let file = surroundings.variable("AWS_WEB_IDENTITY_TOKEN_FILE") {
      guard let arn = surroundings.variable("AWS_ROLE_ARN") else {
        throw AWSError("AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not")
      }
      let role = AWSRole(arn: arn, sessionName: surroundings.variable("AWS_ROLE_SESSION_NAME") ?? "")
      return cache(AWSWebIdentityKeys(tokenFile: file, tokens: tokens, role: role, surroundings: surroundings))
    }
    return try keys(ofProfile: name, seen: [])
  }

  private var environmentKeys: AWSKeys? {
    guard let access = surroundings.variable("AWS_ACCESS_KEY_ID") ?? surroundings.variable("AWS_ACCESS_KEY"),
      let secret = surroundings.variable("AWS_SECRET_ACCESS_KEY") ?? surroundings.variable("AWS_SECRET_KEY")
    else { return nil }
    return AWSKeys(
      accessKey: access, secretKey: secret, sessionToken: surroundings.variable("AWS_SESSION_TOKEN") ?? "")
  }

  private func keys(ofProfile name: String, seen: [String]) throws(AWSError) -> AWSKeyCache {
    let profile = profiles.profiles[name]
    if profile == nil && name != "default" { throw AWSError("failed to get shared config profile, \(name)") }
    if seen.contains(name) || seen.count >= Self.profilesMax {
      throw AWSError("the profiles \((seen + [name]).joined(separator: ", ")) name each other as their source")
    }
    let values = profile ?? [:]
    let fixed = Self.fixedKeys(values)
    let arn = values["role_arn"] ?? ""
    if arn.isEmpty, let fixed { return cache(AWSFixedKeys(keys: fixed)) }
    if let refusal = Self.refusal(of: values, name) { throw refusal }
    if let file = values["web_identity_token_file"], !arn.isEmpty {
      let role = AWSRole(arn: arn, sessionName: values["role_session_name"] ?? "")
      return cache(AWSWebIdentityKeys(tokenFile: file, tokens: tokens, role: role, surroundings: surroundings))
    }
    if arn.isEmpty { return try machineKeys(profile: name, isThere: profile != nil) }
    let role = AWSRole(
      arn: arn, sessionName: values["role_session_name"] ?? "", externalID: values["external_id"] ?? "",
      durationSeconds: values["duration_seconds"].flatMap { Int($0) })
    let base: AWSKeyCache
    if let source = values["source_profile"] {
      // A profile may be its own source: then its own keys assume the role.
      if source == name, let fixed {
        base = cache(AWSFixedKeys(keys: fixed))
      } else {
        base = try keys(ofProfile: source, seen: seen + [name])
      }
    } else {
      base = try sourceKeys(values["credential_source"] ?? "", profile: name)
    }
    return cache(AWSRoleKeys(base: base, tokens: tokens, role: role))
  }

  private static func fixedKeys(_ values: [String: String]) -> AWSKeys? {
    guard let access = values["aws_access_key_id"], let secret = values["aws_secret_access_key"], !access.isEmpty,
      !secret.isEmpty
    else { return nil }
    return AWSKeys(accessKey: access, secretKey: secret, sessionToken: values["aws_session_token"] ?? "")
  }

  /// Kinds of profiles that are not served: they need another program, or a person.
  private static func refusal(of values: [String: String], _ name: String) -> AWSError? {
    let kinds = [
      ("credential_process", "the keys of another program"), ("sso_session", "a single sign-on"),
      ("sso_start_url", "a single sign-on"), ("mfa_serial", "a second factor"),
      ("login_session", "a sign-in of the console"),
    ]
    return kinds.first { !(values[$0.0] ?? "").isEmpty }.map { key, reason in
      AWSError(
        "the profile \(name) has \(key): \(reason) cannot be used here; give it keys, role_arn with source_profile, or "
          + "web_identity_token_file")
    }
  }

  private func sourceKeys(_ source: String, profile: String) throws(AWSError) -> AWSKeyCache {
    switch source {
    case "Environment":
      guard let keys = environmentKeys else {
        throw AWSError("the profile \(profile) takes its keys from the environment, where AWS_ACCESS_KEY_ID is not set")
      }
      return cache(AWSFixedKeys(keys: keys))
    case "EcsContainer":
      guard let keys = try AWSContainerKeys(surroundings) else {
        throw AWSError("the profile \(profile) takes its keys from the container, which has no endpoint for them")
      }
      return cache(keys)
    case "Ec2InstanceMetadata":
      return cache(AWSInstanceKeys(metadata: AWSInstanceMetadata(surroundings: surroundings)))
    case "": throw AWSError("the profile \(profile) has role_arn, but neither source_profile nor credential_source")
    default:
      throw AWSError(
        "the profile \(profile) has the unknown credential_source \(quoted(source)) (Environment, EcsContainer or "
          + "Ec2InstanceMetadata)")
    }
  }

  /// Those of the container, else those of the instance.
  private func machineKeys(profile: String, isThere: Bool) throws(AWSError) -> AWSKeyCache {
    if let container = try AWSContainerKeys(surroundings) { return cache(container) }
    var tried: [String] = []
    if settings.profile.isEmpty {
      tried = ["environment: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor AWS_WEB_IDENTITY_TOKEN_FILE"]
    }
    tried.append("shared files: " + (isThere ? "the profile \(profile) has no keys" : "no profile \(profile)"))
    tried.append(
      "container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI")
    return cache(
      AWSInstanceKeys(metadata: AWSInstanceMetadata(surroundings: surroundings), triedBefore: tried))
  }
}
