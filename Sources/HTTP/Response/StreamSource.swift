import CShims
import Glibc

/// The source of a streamed answer, read by the library; lives as long as its response object, on the connection's thread.
/// The library drops a response before its connection, so the connection is there for every read.
final class StreamSource {
  enum Origin {
    case producer(BodyProducer)
    case stream(AnswerStream)
    /// An answer to HEAD: never read.
    case none
  }

  static let end = -1
  private static let failed = -2
  /// Uncompressed bytes asked of a producer at a time.
  private static let pieceBytes = 16 * 1024

  private let origin: Origin
  private unowned let connection: Connection
  private let compressor: (any Compressor)?
  private let compressors: CompressorPool
  private var compressed = ByteStore()
  private var sentCount = 0
  private var isComplete = false

  init(_ origin: Origin, connection: Connection, compressor: (any Compressor)?) {
    self.origin = origin
    self.connection = connection
    self.compressor = compressor
    compressors = connection.core.compressors
  }

  deinit { if let compressor { compressors.give(compressor) } }

  /// The number of bytes, 0 when the connection was suspended to wait for more, or `end`.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let result =
      switch origin {
      case .producer(let producer): compressor == nil ? produce(producer, buffer) : produceCompressed(producer, buffer)
      case .stream(let stream): read(stream, buffer)
      case .none: Self.end
      }
    if result == Self.failed { return fail(buffer) }
    if result == Self.end, connection.endsWithStream { endConnection() }
    if result > 0 { connection.responseBytes += result }
    return result
  }

  private func read(_ stream: AnswerStream, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    switch stream.read(into: buffer, for: connection.handle) {
    case .bytes(let count): count
    case .later: 0
    case .end: Self.end
    case .failed: Self.failed
    }
  }

  private func produce(_ producer: BodyProducer, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    do throws(StreamError) {
      let count = try producer(buffer)
      precondition(count >= 0 && count <= buffer.count)
      return count == 0 ? Self.end : count
    } catch {
      connection.core.log.warn("an answer was cut short", ["path": connection.request.path, "reason": "\(error)"])
      return Self.failed
    }
  }

  private func produceCompressed(_ producer: BodyProducer, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    while sentCount == compressed.count {
      compressed.removeAll()
      sentCount = 0
      if isComplete { return Self.end }
      let count = withUnsafeTemporaryAllocation(byteCount: Self.pieceBytes, alignment: 16) { piece in
        let count = produce(producer, piece)
        if count == Self.failed { return count }
        isComplete = count == Self.end
        let input = UnsafeRawBufferPointer(piece).part(0..<max(count, 0))
        guard let compressor, compressor.compress(input, into: &compressed, finish: isComplete) else {
          return Self.failed
        }
        return count
      }
      if count == Self.failed { return count }
    }
    let count = min(buffer.count, compressed.count - sentCount)
    buffer.copyMemory(from: compressed.bytes.part(sentCount..<sentCount + count))
    sentCount += count
    return count
  }

  /// The library closes such a connection, but forgets it until its idle timeout, or until nothing older is open: all
  /// the while the client would wait for the end. So the socket is closed for sending here, which tells a client
  /// without TLS at once, and the library is made to look at the connection again within a second.
  private func endConnection() {
    if !connection.core.isTLS { shutdown(connection.socket, Int32(SHUT_WR)) }
    _ = apus_mhd_look_again_soon(connection.handle)
  }

  /// Cuts the connection with a reset: an orderly end would be taken for the end of the answer by a client without
  /// chunks. The library forgets a connection whose reader reports an error until its idle timeout; so it gets bytes
  /// instead, fails to send them on the dead socket, and closes at once.
  private func fail(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    connection.reset()
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    return buffer.count
  }
}
