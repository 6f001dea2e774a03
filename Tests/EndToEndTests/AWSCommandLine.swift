import TestKit
import Testing

/// The AWS command line against one server, with a key pair.
struct AWSCommandLine {
  let port: UInt16
  var key = "AKID"
  var secret = "secret"

  /// What a command prints; nil where it fails with the error.
  @discardableResult
  func run(_ arguments: [String], failing error: String? = nil) throws -> JSONValue? {
    let all = ["amp"] + arguments + ["--endpoint-url", "http://127.0.0.1:\(port)", "--output", "json"]
    let child = try ChildProcess(
      try PeerBinary.awsCLI.path(), all,
      environment: [
        "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1", "HOME": "/tmp",
      ])
    let exit = child.wait(within: .seconds(60))
    let (out, err) = (child.standardOutput.text, child.standardError.text)
    if let error {
      #expect(exit != .code(0) && err.contains(error), "\(arguments): \(err)")
      return nil
    }
    try #require(exit == .code(0), "\(arguments): \(err)")
    return out.isEmpty ? nil : try JSONValue(parsing: out)
  }
}
