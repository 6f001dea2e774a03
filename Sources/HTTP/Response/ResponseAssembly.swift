import CShims
import Glibc

/// A `Response` turned into the library's response object: body by copy, by lent memory or by callback, compressed
/// where the client takes it. What the object refers to is retained once and released by its free callback.
struct ResponseAssembly {
  /// Bodies up to this are copied: one small allocation instead of a retained owner.
  private static let copiedBytesMax = 16 * 1024
  /// The library's buffer for streams to clients that do not know chunks.
  private static let streamBlockBytes = 16 * 1024

  let response: OpaquePointer

  /// Nil when the system has no memory.
  init?(_ response: Response, for connection: Connection, stream: AnswerStream?) {
    guard let made = Self.make(response, for: connection, stream: stream) else { return nil }
    self.response = made.response
    // The library sends the last chunk of a stream to HEAD as well, where the client expects the next answer.
    if response.isStreamed && connection.request.method == .head { apus_mhd_set_unchunked(made.response) }
    Self.addHeaders(response, to: made.response, encoding: made.encoding, for: connection)
  }

  private typealias Made = (response: OpaquePointer, encoding: ContentEncoding?)

  private static func make(_ response: Response, for connection: Connection, stream: AnswerStream?) -> Made? {
    switch response.body {
    case .empty: return MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT).map { ($0, nil) }
    case .fixed(let text): return make(text.rawBytes, owner: nil, response, for: connection)
    case .bytes(let bytes):
      return bytes.withUnsafeBytes { pointer in
        // The array's memory is only promised inside this closure: larger ones are copied once.
        make(pointer, owner: nil, response, for: connection, mustCopy: true)
      }
    case .lent(let bytes, let owner): return make(bytes, owner: owner, response, for: connection)
    case .stream(let producer):
      let compressor = connection.core.compressor(for: response, to: connection.request)
      return make(StreamSource(.producer(producer), connection: connection, compressor: compressor))
        .map { ($0, compressor?.encoding) }
    case .pieces:
      guard let stream else {
        return make(StreamSource(.none, connection: connection, compressor: nil)).map { ($0, nil) }
      }
      return make(StreamSource(.stream(stream), connection: connection, compressor: nil)).map { ($0, nil) }
    }
  }

  private static func make(
    _ bytes: UnsafeRawBufferPointer, owner: AnyObject?, _ response: Response, for connection: Connection,
    mustCopy: Bool = false
  ) -> Made? {
    let core = connection.core
    if bytes.count >= core.options.gzipBytesMin,
      let compressor = core.compressor(for: response, to: connection.request),
      let compressed = compressed(bytes, compressor, core)
    {
      connection.responseBytes = compressed.count
      let freed = MHD_create_response_from_buffer_with_free_callback_cls(
        compressed.count, compressed.baseAddress, freeMemory, compressed.baseAddress)
      if freed == nil { free(compressed.baseAddress) }
      return freed.map { ($0, compressor.encoding) }
    }
    connection.responseBytes = bytes.count
    let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
    if let owner, bytes.count > copiedBytesMax {
      let retained = Unmanaged.passRetained(owner).toOpaque()
      let made = MHD_create_response_from_buffer_with_free_callback_cls(bytes.count, start, releaseOwner, retained)
      if made == nil { releaseOwner(retained) }
      return made.map { ($0, nil) }
    }
    let mode: MHD_ResponseMemoryMode = owner == nil && !mustCopy ? .RESPMEM_PERSISTENT : .RESPMEM_MUST_COPY
    return MHD_create_response_from_buffer(bytes.count, start, mode).map { ($0, nil) }
  }

  private static func make(_ source: StreamSource) -> OpaquePointer? {
    let retained = Unmanaged.passRetained(source).toOpaque()
    let made = MHD_create_response_from_callback(
      UInt64.max, streamBlockBytes, readStream, retained, releaseStream)
    if made == nil { releaseStream(retained) }
    return made
  }

  private static func compressed(
    _ bytes: UnsafeRawBufferPointer, _ compressor: any Compressor, _ core: ServerCore
  ) -> UnsafeMutableRawBufferPointer? {
    defer { core.compressors.give(compressor) }
    var output = ByteStore()
    guard compressor.compress(bytes, into: &output, finish: true) else { return nil }
    return output.take()
  }

  private static func addHeaders(
    _ response: Response, to made: OpaquePointer, encoding: ContentEncoding?, for connection: Connection
  ) {
    if let type = response.contentType { add("Content-Type", type.text, to: made) }
    if let encoding {
      add("Content-Encoding", encoding.name, to: made)
      add("Vary", "Accept-Encoding", to: made)
    }
    for (name, value) in response.headers { MHD_add_response_header(made, name, value) }
    var isSniffingOff = false
    if let headers = connection.core.options.answerHeaders, response.status != 429, response.status != 500 {
      for (name, value) in headers() {
        isSniffingOff = isSniffingOff || name.lowercased() == "x-content-type-options"
        MHD_add_response_header(made, name, value)
      }
    }
    // No browser takes data for a page or a script.
    if !isSniffingOff { add("X-Content-Type-Options", "nosniff", to: made) }
    if response.closesConnection || connection.isReserved || connection.core.isDraining.load(ordering: .relaxed) {
      add("Connection", "close", to: made)
    }
  }

  private static func add(_ name: StaticString, _ value: StaticString, to made: OpaquePointer) {
    name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount + 1) { name in
      value.utf8Start.withMemoryRebound(to: CChar.self, capacity: value.utf8CodeUnitCount + 1) { value in
        _ = MHD_add_response_header(made, name, value)
      }
    }
  }
}

private func freeMemory(_ memory: UnsafeMutableRawPointer?) { free(memory) }

private func releaseOwner(_ context: UnsafeMutableRawPointer?) {
  if let context { Unmanaged<AnyObject>.fromOpaque(context).release() }
}

private func releaseStream(_ context: UnsafeMutableRawPointer?) {
  if let context { Unmanaged<StreamSource>.fromOpaque(context).release() }
}

private func readStream(
  context: UnsafeMutableRawPointer?, position: UInt64, buffer: UnsafeMutablePointer<CChar>?, room: Int
) -> Int {
  guard let context else { return StreamSource.end }
  return Unmanaged<StreamSource>.fromOpaque(context)._withUnsafeGuaranteedRef {
    $0.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: room))
  }
}
