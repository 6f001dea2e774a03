import Platform

/// The reason why a database does not open, as one clear line for an operator. Nothing in the directory has been
/// changed.
package enum DatabaseError: Error, Sendable, CustomStringConvertible {
  case notWritable(path: String, DiskError)
  case notReadable(path: String, DiskError)
  case otherVersion(path: String, found: Int)
  case log(WALError)
  case headChunks(HeadChunksError)
  case thread(ThreadError)

  package var description: String {
    switch self {
    case .notWritable(let path, let error): "data directory \(path) cannot be used: \(error)"
    case .notReadable(let path, let error): "data directory \(path) cannot be read: \(error)"
    case .otherVersion(let path, let found):
      "\(path) says version \(found), a newer program wrote it; this one knows versions up to \(DataVersion.number). "
        + "Start the newer one"
    case .log(let error): "write-ahead log: \(error)"
    case .headChunks(let error): "head chunk files: \(error)"
    case .thread(let error): "\(error)"
    }
  }
}
