/// The reason why a data directory is not ours.
package enum DirectoryLockError: Error, Equatable, CustomStringConvertible {
  /// Somebody else uses it; `owner` says who, as well as can be known.
  case held(directory: String, owner: String)
  /// It was ours until somebody else took it.
  case lost(directory: String, owner: String)
  case disk(DiskError)
  case thread(ThreadError)

  package var description: String {
    switch self {
    case .held(let directory, let owner): "data directory \(directory) is in use by \(owner)"
    case .lost(let directory, let owner): "data directory \(directory) was taken over by \(owner)"
    case .disk(let error): "\(error)"
    case .thread(let error): "\(error)"
    }
  }
}

extension LockRecord {
  /// The owner as an error message names it.
  func ownerText(seenBy own: LockRecord) -> String {
    boot == own.boot && namespace == own.namespace ? "process \(pid)" : "process \(pid) on host \(host)"
  }
}
