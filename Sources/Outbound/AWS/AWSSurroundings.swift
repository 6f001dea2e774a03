import HTTP
import Platform

/// Everything outside of the configuration that requests to AWS depend on. A value.
package struct AWSSurroundings: Sendable {
  package var clock: any Clock
  package var disk: any Disk
  /// Environment of the process.
  package var environment: [String: String]
  package var userAgent: String
  package var retries = AWSRetries()
  /// Asks the machine itself (instance metadata, container credentials): never over a proxy, and soon given up.
  let metadataClient: HTTPClient

  /// Connecting to a metadata service: it is on this machine, or not there at all.
  private static let metadataConnectMillisecondsMax = 1000
  private static let metadataMillisecondsMax = 3000
  private static let metadataBytesMax = 64 << 10

  package init(
    clock: any Clock, environment: [String: String], userAgent: String, disk: any Disk = LinuxDisk()
  ) {
    self.clock = clock
    self.disk = disk
    self.environment = environment
    self.userAgent = userAgent
    var options = HTTPClientOptions()
    options.userAgent = userAgent
    options.connectMillisecondsMax = Self.metadataConnectMillisecondsMax
    options.totalMillisecondsMax = Self.metadataMillisecondsMax
    options.responseBytesMax = Self.metadataBytesMax
    options.redirects = .returned
    options.idleConnectionsMax = 1
    metadataClient = HTTPClient(options: options)
  }

  /// The value of a variable; nil where it is not set, or empty.
  func variable(_ name: String) -> String? {
    guard let value = environment[name], !value.isEmpty else { return nil }
    return value
  }

  func isTrue(_ name: String) -> Bool { variable(name)?.lowercased() == "true" }

  /// Tokens and shared files: larger ones are not read.
  static let fileBytesMax = 1 << 20

  func file(_ path: String) throws(AWSError) -> String {
    do throws(DiskError) {
      if try disk.status(path).size <= Self.fileBytesMax {
        return String(decoding: try disk.readFile(path), as: UTF8.self)
      }
    } catch {
      throw AWSError("\(error)")
    }
    throw AWSError("\(path) has more than \(Self.fileBytesMax) bytes")
  }
}

/// Number of tries of a request, and the pauses between them.
package struct AWSRetries: Sendable {
  package var triesMax = 3
  /// The wait before the second try is random below this, before each further one below its double.
  package var pauseMilliseconds: Int64 = 1000
  package var pauseMillisecondsMax: Int64 = 20_000

  package init() {}

  /// Waits before try number `attempt` (1 is the second); false when the caller gave up.
  func pause(before attempt: Int, _ isCancelled: @escaping Cancellation) -> Bool {
    let longest = min(pauseMilliseconds << Int64(min(attempt - 1, 16)), pauseMillisecondsMax)
    let end = Deadline(milliseconds: longest > 0 ? Int64.random(in: 0...longest) : 0)
    let pieceMilliseconds: Int64 = 50
    while !end.isPassed {
      if isCancelled() { return false }
      Deadline(milliseconds: min(pieceMilliseconds, end.remainingNanoseconds / 1_000_000 + 1)).pause()
    }
    return !isCancelled()
  }
}
