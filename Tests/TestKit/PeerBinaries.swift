import Glibc

/// The real programs of other projects that tests and measurements run, found in APUS_PEERS or .build/peers
/// (`scripts/peers` puts them there).
package enum PeerBinary: String, CaseIterable, Sendable {
  case prometheus
  /// This Debian release's own: 2.42 on Debian 12, which knows remote write 1.0 only.
  case prometheusOlder = "prometheus-older"
  case promtool
  case alertmanager
  case nodeExporter = "prometheus-node-exporter"
  case victoriaMetrics = "victoria-metrics"
  case vmagent
  /// A Python with moto and boto3: AWS for tests, and what AWS's own library says of it.
  case moto = "moto-python"
  /// The AWS CLI of that Python.
  case awsCLI = "aws"
  case awscurl

  package struct Missing: Error, CustomStringConvertible {
    package var description: String
  }

  /// Where the program is; throws with the remedy where it is not.
  package func path() throws(Missing) -> String {
    guard let path = found else { throw Missing(description: absence) }
    return path
  }

  /// Whether a test that needs the program shall run. True also where it is missing but required
  /// (APUS_REQUIRE_PEERS=1, as scripts/test sets it): then the test fails at `path()` instead of being skipped.
  package var isExpected: Bool { found != nil || Self.areRequired }

  /// Why a test that needs the program is skipped.
  package var absence: String {
    "\(rawValue) is not in \(Self.folders.joined(separator: " or ")): run scripts/peers, or set APUS_PEERS"
  }

  package static var areRequired: Bool { environmentVariable("APUS_REQUIRE_PEERS").map { $0 != "0" } ?? false }

  /// An own program for a peer that is measured against, by the name scripts/bench documents.
  private var override: String? {
    switch self {
    case .prometheus: environmentVariable("PROMETHEUS")
    case .victoriaMetrics: environmentVariable("VICTORIA")
    default: nil
    }
  }

  private static var folders: [String] {
    [environmentVariable("APUS_PEERS"), ".build/peers/usr/bin"].compactMap { $0 }
  }

  private var found: String? {
    ([override] + Self.folders.map { "\($0)/\(rawValue)" }).compactMap { $0 }.first { access($0, X_OK) == 0 }
  }
}

/// The server under test: APUS_BINARY, or `apus` in the build folder that holds the running program.
package func apusBinary() throws(PeerBinary.Missing) -> String {
  if let path = environmentVariable("APUS_BINARY") {
    guard access(path, X_OK) == 0 else { throw .init(description: "APUS_BINARY is \(path): no such program") }
    return path
  }
  return try builtProgram("apus")
}

/// A program of this package, from the build folder that holds the running one.
package func builtProgram(_ name: String) throws(PeerBinary.Missing) -> String {
  var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
  let count = buffer.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
  let own = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  let path = (own.lastIndex(of: "/").map { String(own[...$0]) } ?? "./") + name
  guard access(path, X_OK) == 0 else {
    throw .init(description: "no \(name) beside \(own): build it (swift build --product \(name))")
  }
  return path
}
