import Platform

/// Why blocks were not changed. Nothing was, or what was is whole: a change is broken off between two of its steps.
package enum BlockChangeError: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskError)
  /// Bytes of a block that are not what they should be.
  case damaged(block: String, String)
  /// Somebody else wants a turn, or the server is on its way out.
  case stopped
  /// What the head says about its part.
  case head(String)

  package var description: String {
    switch self {
    case .disk(let error): "\(error)"
    case .damaged(let block, let problem): "block \(block): \(problem)"
    case .stopped: "stopped"
    case .head(let problem): problem
    }
  }
}
