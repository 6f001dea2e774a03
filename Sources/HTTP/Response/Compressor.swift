import Synchronization

/// How a body may be compressed on its way: the names of the header `Content-Encoding`.
enum ContentEncoding: Int, Sendable {
  case gzip, zstd

  var name: StaticString {
    switch self {
    case .gzip: "gzip"
    case .zstd: "zstd"
    }
  }
}

/// A compressor of answers, reused: its working memory is not worth allocating for each. One owner at a time.
protocol Compressor: AnyObject, Sendable {
  var encoding: ContentEncoding { get }
  func reset()
  /// Compresses all of `input` to the end of `output`; `finish` ends what the client decodes as one. False without
  /// memory.
  func compress(_ input: UnsafeRawBufferPointer, into output: inout ByteStore, finish: Bool) -> Bool
}

/// Compressors that wait for the next answer. Any thread.
final class CompressorPool: Sendable {
  /// Of each encoding.
  private static let keptMax = 4
  private let kept = Mutex<[[any Compressor]]>([[], []])

  init() {}

  /// Nil when the system has no memory.
  func take(_ encoding: ContentEncoding) -> (any Compressor)? {
    if let compressor = kept.withLock({ $0[encoding.rawValue].popLast() }) {
      compressor.reset()
      return compressor
    }
    switch encoding {
    case .gzip: return Deflater()
    case .zstd: return ZstdCompressor()
    }
  }

  func give(_ compressor: any Compressor) {
    kept.withLock { kept in
      if kept[compressor.encoding.rawValue].count < Self.keptMax {
        kept[compressor.encoding.rawValue].append(compressor)
      }
    }
  }
}
