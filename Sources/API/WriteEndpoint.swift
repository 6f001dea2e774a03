import HTTP
import Ingest

/// `POST /api/v1/write` and its other names: remote write 1.0 in, snappy or zstd. Runs on the connection's thread.
struct WriteEndpoint: Sendable {
  let workspaces: Workspaces

  func handle(_ request: Request) -> Response {
    guard let workspace = workspaces[request.workspace] else { return unknownWorkspace(request) }
    guard workspace.database.isReady else {
      return Response.text(503, "the write-ahead log is being replayed").retryAfter(seconds: 5)
    }
    if let refused = WriteEndpoint.refusal(ofType: request.header("Content-Type") ?? "") { return refused }
    let encoding = request.header("Content-Encoding") ?? ""
    guard let encoding = WriteEndpoint.encoding(encoding, of: request.body) else {
      return .text(
        415, "\(encoding) encoding (compression) is not accepted by this server; only snappy and zstd are acceptable")
    }
    switch workspace.receiver.receive(request.body, encoding: encoding) {
    case .stored: return .noContent
    case .partly(let message):
      // vmagent answers a 400 by sending the whole body once more and giving up zstd for good: it is told the part that
      // counts, and the refusals are in the log and the counters.
      let isVMAgent = request.withHeader("X-VictoriaMetrics-Remote-Write-Version") { $0 != nil }
      return isVMAgent ? .noContent : .text(400, message)
    case .malformed(let message), .tooLarge(let message): return .text(400, message)
    case .unsupportedEncoding(let message): return .text(415, message)
    case .limited(let message, let seconds): return Response.text(429, message).retryAfter(seconds: seconds)
    case .unavailable(let message, let seconds): return Response.text(503, message).retryAfter(seconds: seconds)
    }
  }

  private func unknownWorkspace(_ request: Request) -> Response {
    .text(404, "no such workspace: \(request.workspace ?? "")")
  }

  /// 415 for any message but prometheus.WriteRequest; no type at all means that one.
  static func refusal(ofType type: String) -> Response? {
    let parts = type.split(separator: ";").map { String($0).trimmedASCII.lowercased() }
    guard let media = parts.first, !media.isEmpty else { return nil }
    guard media == "application/x-protobuf" else {
      return .text(415, "\(media) content type is not accepted by this server; send application/x-protobuf")
    }
    for parameter in parts.dropFirst() where parameter.hasPrefix("proto=") {
      let message = parameter.dropFirst("proto=".count)
      if message != "prometheus.writerequest" {
        return .text(415, "\(message) is not accepted by this server; send proto=prometheus.WriteRequest")
      }
    }
    return nil
  }

  /// What the body is: as its header says, but zstd is recognized by its magic number, since some senders name the wrong
  /// one. Nil for encodings this server does not read.
  static func encoding(_ name: String, of body: UnsafeRawBufferPointer) -> BodyEncoding? {
    let isZstd = body.starts(with: [0x28, 0xb5, 0x2f, 0xfd])
    switch name.trimmedASCII.lowercased() {
    case "", "snappy": return isZstd ? .zstd : .snappy
    case "zstd": return isZstd ? .zstd : .snappy
    case "identity": return .identity
    default: return nil
    }
  }
}

extension String {
  /// Without spaces and tabs around it.
  var trimmedASCII: String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
