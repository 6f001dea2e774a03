import Access

/// `apus check web-config` and `apus check credentials`: whether the server would take the files, in promtool's words.
struct CheckAccess: Sendable {
  enum Kind: String, Sendable { case webConfig = "web-config", credentials }

  var kind: Kind
  var files: [String]

  static let filesMax = 1000

  /// Tells of each file; 0 where all are well, else 1.
  func run() -> Int32 {
    var code: Int32 = 0
    for file in files {
      do throws(AccessFileError) {
        switch kind {
        case .webConfig: _ = try WebConfigSource.check(file)
        case .credentials:
          var paths: [String] = []
          _ = try CredentialStore.read(file, generation: 0, &paths)
        }
        writeToStandardError("\(file) SUCCESS")
      } catch {
        writeToStandardError("\(file) FAILED: \(error)")
        code = 1
      }
    }
    return code
  }
}
