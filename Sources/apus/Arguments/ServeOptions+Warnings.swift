extension ServeOptions {
  /// One line for everything accepted without effect, one each for what may be a mistake.
  static func warnings(
    _ values: FlagValues, features: [String], environment: [String: String]
  ) -> [String] {
    var accepted = values.givenFlags.filter { $0.use == .accepted }.map { "--\($0.name)" }
    accepted += features.filter { FeatureTable.byName[$0]?.use == .accepted }.map { "--enable-feature=\($0)" }
    var lines: [String] = []
    if !accepted.isEmpty {
      lines.append("accepted without effect in this version: " + accepted.joined(separator: ", "))
    }
    for feature in features where FeatureTable.byName[feature] == nil {
      lines.append("--enable-feature: unknown feature \(feature)" + hint(feature, in: FeatureTable.rows.map(\.name)))
    }
    if !values.boolean("web.enable-remote-write-receiver") {
      lines.append("--no-web.enable-remote-write-receiver: remote write is always received")
    }
    return lines + unknownVariables(environment)
  }

  /// `; did you mean ...?` where a known name is close.
  static func hint(_ written: String, in names: some Sequence<String>, prefix: String = "") -> String {
    nearestName(to: written, in: names).map { "; did you mean \(prefix)\($0)?" } ?? ""
  }

  /// `APUS_...` variables that are no flag's. Kubernetes sets some for every service, so a service called apus must not
  /// make noise.
  private static func unknownVariables(_ environment: [String: String]) -> [String] {
    let known = FlagTable.rows.map(\.environmentName)
    let unknown = environment.keys.filter {
      $0.hasPrefix("APUS_") && !known.contains($0) && !$0.hasPrefix("APUS_SERVICE_") && !$0.hasPrefix("APUS_PORT")
    }
    return unknown.sorted().map { "environment variable \($0) is no flag's" + hint($0, in: known) }
  }
}
