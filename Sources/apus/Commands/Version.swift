/// The version of this program. Each build notes the commit (`scripts/revision`); it is unknown outside a clone.
enum Version {
  static let number = "0.1.0"
  static let revision = Revision.commit
  static let branch = Revision.branch
  /// The time the commit was made: two builds of one commit are the same program.
  static let buildDate = Revision.date

  static var compiler: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }

  static var platform: String {
    #if arch(x86_64)
      "linux/amd64"
    #elseif arch(arm64)
      "linux/arm64"
    #else
      "linux/unknown"
    #endif
  }

  /// What targets and discoveries are told who asks: servers and logs are set up for Prometheus.
  static var userAgent: String { "Prometheus/3.14.0 (compatible; Apus/\(number))" }

  /// The text of `prometheus --version`, for this program.
  static var text: String {
    """
    apus, version \(number) (branch: \(branch), revision: \(revision))
      build date:       \(buildDate)
      swift version:    \(compiler)
      platform:         \(platform)
    """
  }
}
