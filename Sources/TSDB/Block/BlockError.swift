import Platform

/// The reason why a block cannot be read or written.
package enum BlockError: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskError)
  /// The block's bytes are not what its format says.
  case corrupt(path: String, reason: String)
  /// The caller broke the order of symbols, series or chunks.
  case misused(String)
  /// A deletion has not reached a block that may come back.
  case unreached(block: String, reason: String)
  /// A format's bound was reached.
  case tooLarge(String)
  /// The server ends.
  case stopped

  /// True if the bytes are wrong, and will be the next time.
  var isCorrupt: Bool {
    if case .corrupt = self { return true }
    return false
  }

  package var description: String {
    switch self {
    case .disk(let error): error.description
    case .corrupt(let path, let reason): "\(path): \(reason)"
    case .unreached(let block, let reason):
      "block \(block) cannot be opened (\(reason)): its samples are not deleted, all others are; delete again when it is served"
    case .misused(let reason): reason
    case .tooLarge(let reason): reason
    case .stopped: "stopped"
    }
  }
}
