import Format
import HTTP
import Ingest
import Model
import Workspaces

/// `POST /api/v1/otlp/v1/metrics`: OpenTelemetry's metrics over HTTP, as protobuf or JSON. Runs on the connection's thread.
struct OTLPEndpoint: Sendable {

  func handle(_ request: Request, _ workspace: Workspace) -> Response {
    let type = request.header("Content-Type") ?? ""
    guard let encoding = OTLPEndpoint.encoding(ofType: type) else {
      let text = "unsupported content type: \(type), supported: [application/json, application/x-protobuf]"
      return unsupported("unsupported_content_type", text, request, workspace)
    }
    let name = request.header("Content-Encoding") ?? ""
    guard let compression = OTLPEndpoint.compression(name) else {
      let text = "unsupported compression: \(name). Only \"gzip\", \"zstd\" or no compression supported"
      return unsupported("unsupported_encoding", text, request, workspace)
    }
    guard workspace.database.isReady else {
      return Response.text(503, "the write-ahead log is being replayed").retryAfter(seconds: 5)
    }
    let outcome = workspace.otlp.receive(request.lentBody, encoding: encoding, compression: compression) {
      Sender(request, workspace, "OTLP", partlyAnswer: "200 with partialSuccess")
    }
    switch outcome {
    case .stored: return OTLPEndpoint.success(encoding)
    case .partly(let points, let message): return OTLPEndpoint.partialSuccess(encoding, points, message)
    case .refused(let message): return .text(400, message)
    case .limited(let message, let seconds): return Response.text(429, message).retryAfter(seconds: seconds)
    case .unavailable(let message, let seconds): return Response.text(503, message).retryAfter(seconds: seconds)
    }
  }

  private func unsupported(
    _ reason: String, _ text: String, _ request: Request, _ workspace: Workspace
  ) -> Response {
    workspace.receiver.intake.tell(
      refusedBody: reason, text, Sender(request, workspace, "OTLP", partlyAnswer: ""), answer: "415")
    return .text(415, text)
  }

  static func encoding(ofType type: String) -> OTLPEncoding? {
    let media = type.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
    switch String(media).trimmedASCII.lowercased() {
    case "application/x-protobuf": return .protobuf
    case "application/json": return .json
    default: return nil
    }
  }

  static func compression(_ name: String) -> BodyEncoding? {
    switch name.trimmedASCII.lowercased() {
    case "", "identity": .identity
    case "gzip": .gzip
    case "zstd": .zstd
    case "snappy": .snappy
    default: nil
    }
  }

  private static func success(_ encoding: OTLPEncoding) -> Response {
    switch encoding {
    case .protobuf: Response(status: 200, contentType: .protobuf)
    case .json: .json(200, Array("{}".utf8))
    }
  }

  /// The answer 200 that names the rejected points, as the protocol has it: a sender warns, and does not send it all
  /// again.
  private static func partialSuccess(_ encoding: OTLPEncoding, _ points: Int, _ message: String) -> Response {
    switch encoding {
    case .protobuf:
      return Response(
        status: 200, contentType: .protobuf,
        body: .bytes(OTLPAnswer.partialSuccess(rejectedPoints: points, message: message)))
    case .json:
      var json = JSONBuffer()
      json.raw(#"{"partialSuccess":{"rejectedDataPoints":""#)
      json.integer(points)
      json.raw(#"","errorMessage":"#)
      json.string(message)
      json.raw("}}")
      return .json(200, json.bytes)
    }
  }
}
