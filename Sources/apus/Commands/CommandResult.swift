import Platform

#if canImport(Glibc)
  import Glibc
#endif

/// Texts and exit code of a command that ends by itself.
struct CommandResult: Equatable {
  var output = ""
  var errors = ""
  var exitCode: Int32

  init(output: String = "", errors: String = "", exitCode: Int32) {
    self.output = output
    self.errors = errors
    self.exitCode = exitCode
  }

  /// Writes both texts and gives the exit code.
  func finish() -> Int32 {
    if !output.isEmpty { print(output) }
    if !errors.isEmpty { writeToStandardError(errors) }
    return exitCode
  }
}

/// Writes one line to standard error, for whoever started the program and before there is a log.
func writeToStandardError(_ text: String) { StandardError.writeLine(text) }

/// The environment of this process.
func processEnvironment() -> [String: String] {
  var variables: [String: String] = [:]
  var next = environ
  while let entry = next.pointee {
    let text = String(cString: entry)
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
    next += 1
  }
  return variables
}
