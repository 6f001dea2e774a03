import Platform

/// Why a block cannot be read or written.
package enum BlockError: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskError)
  /// The block's bytes are not what its format says.
  case corrupt(path: String, reason: String)
  /// The caller broke the order of symbols, series or chunks.
  case misused(String)
  /// A format's bound was reached.
  case tooLarge(String)
  /// The server ends.
  case stopped

  package var description: String {
    switch self {
    case .disk(let error): error.description
    case .corrupt(let path, let reason): "\(path): \(reason)"
    case .misused(let reason): reason
    case .tooLarge(let reason): reason
    case .stopped: "stopped"
    }
  }
}
