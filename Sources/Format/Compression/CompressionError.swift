/// Why compressed bytes were refused. The only error of the wrappers in this folder.
package enum CompressionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Not what the encoding allows, or cut.
  case corrupt
  /// The bytes would decode to more than the caller accepts; nothing was allocated for them.
  case tooLarge(decodedBytes: Int, decodedBytesMax: Int)
  /// The library could not get its working memory.
  case outOfMemory

  package var description: String {
    switch self {
    case .corrupt: "corrupt compressed data"
    case .tooLarge(let decoded, let limit): "decodes to \(decoded) bytes, more than the limit of \(limit) bytes"
    case .outOfMemory: "no memory for the compressor"
    }
  }
}
