import HTTP
import Ingest
import Model
import Workspaces

/// `POST /api/v1/write` and its other names: remote write 1.0 and 2.0 in, in any of four encodings. Runs on the
/// connection's thread.
struct WriteEndpoint: Sendable {

  func handle(_ request: Request, _ workspace: Workspace) -> Response {
    let negotiated = WriteNegotiation.message(ofType: request.header("Content-Type") ?? "")
    if case .refused(let text) = negotiated { tell("unsupported_content_type", text, request, workspace) }
    guard case .message(let message) = negotiated else { return negotiated.refusal }
    let name = request.header("Content-Encoding") ?? ""
    guard let encoding = WriteNegotiation.encoding(name, of: request.lentBody) else {
      let text = WriteNegotiation.unknownEncoding(name)
      tell("unsupported_encoding", text, request, workspace)
      return .text(415, text)
    }
    guard workspace.database.isReady else {
      return WriteEndpoint.unavailable("the write-ahead log is being replayed", 5)
        .withWritten(WrittenCounts(), message)
    }
    // vmagent answers a 400 by sending the whole body once more and giving up zstd for good: it is told the part that
    // counts, and the refusals are in the log and the counters. It speaks 1.0 only.
    let isVMAgent = message == .v1 && request.header("X-VictoriaMetrics-Remote-Write-Version") != nil
    let (outcome, written) = workspace.receiver.receive(request.lentBody, encoding: encoding, message: message) {
      Sender(
        request, workspace, message == .v1 ? "remote write 1.0" : "remote write 2.0",
        partlyAnswer: isVMAgent ? "204, since vmagent would send the whole body again" : "400", isNotTold: isVMAgent)
    }
    return WriteEndpoint.response(to: outcome, isVMAgent: isVMAgent).withWritten(written, message)
  }

  private func tell(_ reason: String, _ text: String, _ request: Request, _ workspace: Workspace) {
    workspace.receiver.intake.tell(
      refusedBody: reason, text, Sender(request, workspace, "remote write", partlyAnswer: ""), answer: "415")
  }

  /// The answer to an outcome. 400 ends a sender's tries, so it is only for what this server will never store; whatever
  /// may pass is 503.
  static func response(to outcome: ReceiveOutcome, isVMAgent: Bool) -> Response {
    switch outcome {
    case .stored: .noContent
    case .partly(let message): isVMAgent ? .noContent : .text(400, message)
    case .refusedReplica(let message, _): .text(202, message)
    case .malformed(let message), .tooLarge(let message): .text(400, message)
    case .limited(let message, let seconds): Response.text(429, message).retryAfter(seconds: seconds)
    case .unavailable(let message, let seconds): unavailable(message, seconds)
    }
  }

  private static func unavailable(_ message: String, _ seconds: Int) -> Response {
    Response.text(503, message).retryAfter(seconds: seconds)
  }
}

extension Response {
  /// Adds the counts that a sender of 2.0 compares with what it sent. A sender of 1.0 must not see them: it would take
  /// a zero for a loss.
  func withWritten(_ written: WrittenCounts, _ message: WriteMessage) -> Response {
    guard message == .v2 else { return self }
    return with(header: "X-Prometheus-Remote-Write-Samples-Written", "\(written.samples)")
      .with(header: "X-Prometheus-Remote-Write-Histograms-Written", "\(written.histograms)")
      .with(header: "X-Prometheus-Remote-Write-Exemplars-Written", "\(written.exemplars)")
  }
}
