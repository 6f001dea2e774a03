import Platform

package enum HeadChunksError: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskError)
  /// The file of a reference is not there (any more).
  case noFile(HeadChunkRef)
  /// No chunk with the right checksum is at a reference.
  case corrupt(HeadChunkRef)
  case closed

  package var description: String {
    switch self {
    case .disk(let error): error.description
    case .noFile(let ref): "no head chunk file for reference \(ref)"
    case .corrupt(let ref): "corrupt head chunk at reference \(ref)"
    case .closed: "head chunks are closed"
    }
  }
}
