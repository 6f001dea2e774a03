import Format
import Model
import Synchronization

/// The encodings of OpenTelemetry's requests.
package enum OTLPEncoding: Sendable, Equatable {
  case protobuf, json
}

/// The outcome of one push.
package enum OTLPOutcome: Sendable, Equatable {
  /// All of it is stored.
  case stored
  /// The valid part is stored; the message names the first of the rejected points.
  case partly(rejectedPoints: Int, message: String)
  /// Nothing is stored, and never will be.
  case refused(message: String)
  /// The receiver acknowledges nothing; the sender should try the same push again.
  case unavailable(message: String, retryAfterSeconds: Int)
  /// More than the workspace may send; the push may come again.
  case limited(message: String, retryAfterSeconds: Int)
}

/// Takes in OpenTelemetry's metrics of one workspace: decompress, decode, translate into rows, and on to the intake. Any thread;
/// each push runs on the caller's.
package final class OTLPReceiver: Sendable {
  private let intake: Intake
  private let options: Mutex<OTLPOptions>
  private let deltas = DeltaAccumulator()

  package init(_ intake: Intake, options: OTLPOptions = OTLPOptions()) {
    self.intake = intake
    self.options = Mutex(options)
  }

  /// Number of series whose deltas are being added up.
  package var deltaSeriesCount: Int { deltas.count }

  package func reconfigure(_ options: OTLPOptions) { self.options.withLock { $0 = options } }

  package func receive(
    _ body: LentBytes, encoding: OTLPEncoding, compression: BodyEncoding,
    from sender: () -> Sender = { .unknown }
  ) -> OTLPOutcome {
    var decoded = ByteBuffer(capacity: 64)
    let request: OTLPRequest
    do throws(CompressionError) {
      try decompress(body, compression, into: &decoded)
    } catch {
      if case .outOfMemory = error { return .unavailable(message: "\(error)", retryAfterSeconds: 5) }
      var reason = "malformed_body"
      if case .tooLarge = error { reason = "body_too_large" }
      return refuse(reason, "OTLP body: \(compression.name): \(error)", sender())
    }
    let bytes = compression == .identity ? body : decoded.lent
    do throws(OTLPError) {
      request = try encoding == .json ? OTLPRequest(json: bytes) : OTLPRequest(protobuf: bytes.raw)
    } catch {
      return refuse("malformed_body", "OTLP body: \(error)", sender())
    }
    return store(request, sender)
  }

  private func refuse(_ reason: String, _ message: String, _ sender: Sender) -> OTLPOutcome {
    intake.metrics.malformed.add()
    intake.tell(refusedBody: reason, message, sender)
    return .refused(message: message)
  }

  private func decompress(
    _ body: LentBytes, _ compression: BodyEncoding, into decoded: inout ByteBuffer
  ) throws(CompressionError) {
    let limit = intake.decodedBytesMax
    switch compression {
    case .identity:
      guard body.count <= limit else { throw .tooLarge(decodedBytes: body.count, decodedBytesMax: limit) }
    case .gzip: try Gzip.decode(body.raw, into: &decoded, decodedBytesMax: limit)
    case .snappy: try Snappy.decode(body.raw, into: &decoded, decodedBytesMax: limit)
    case .zstd:
      var decoder = ZstdDecoder()
      try decoder.decode(body.raw, into: &decoded, decodedBytesMax: limit)
    }
  }

  private func store(_ request: OTLPRequest, _ sender: () -> Sender) -> OTLPOutcome {
    let options = options.withLock { $0 }
    // The push is admitted as a whole: one that is limited in its middle could never come through by coming again.
    var limited = Refusals()
    if case .limited(let message, let seconds)? = intake.admit(
      request.sampleCount(options), metadata: 0, intake.presentLimits, &limited)
    {
      intake.tell(limited, .samples, sender(), answer: "429")
      return .limited(message: message, retryAfterSeconds: seconds)
    }
    let results = SliceResults()
    let now = intake.clock.nowMilliseconds()
    let sum = withoutActuallyEscaping(sender) { sender in
      let newest = intake.head.newestTaken(now: now)
      var translation = OTLPTranslation(options, deltas, now: now, newest: newest, key: intake.key) { [intake] rows in
        let (outcome, written) = intake.append(&rows, .push, from: sender)
        return results.add(outcome, written)
      }
      translation.translate(request)
      return (
        rejectedPoints: translation.rejectedPoints, counted: translation.countedPoints, refusals: translation.refusals
      )
    }
    // What is repeated is told when it comes again.
    if let stop = results.stop { return stop }
    let isNothingStored = results.stored == 0 && sum.counted == 0
    if !sum.refusals.isEmpty {
      let sender = sender()
      intake.tell(sum.refusals, .samples, sender, answer: isNothingStored ? "400" : sender.partlyAnswer)
    }
    let rejected = sum.rejectedPoints + results.refused
    if rejected == 0, sum.refusals.isEmpty, results.messages.isEmpty { return .stored }
    let message = (sum.refusals.named + results.messages).joined(separator: "; ")
    if isNothingStored { return .refused(message: message) }
    return .partly(rejectedPoints: rejected, message: message)
  }
}

/// The results of a push's slices, summed up. One thread's.
private final class SliceResults {
  /// The answer tells the refusals of at most so many slices.
  private static let messagesMax = 5

  private(set) var stored = 0
  private(set) var refused = 0
  private(set) var messages: [String] = []
  /// The outcome of the push where nothing more can be stored for now; nil where it can.
  private(set) var stop: OTLPOutcome?

  /// Adds the result of one slice; false where nothing more can be stored for now.
  func add(_ outcome: ReceiveOutcome, _ written: WrittenCounts) -> Bool {
    stored += written.samples + written.histograms
    refused += written.refused
    switch outcome {
    case .stored, .refusedReplica: break
    case .partly(let message): note(message)
    case .malformed(let message), .tooLarge(let message):
      refused += 1
      note(message)
    case .limited(let message, let seconds): stop = .limited(message: message, retryAfterSeconds: seconds)
    case .unavailable(let message, let seconds): stop = .unavailable(message: message, retryAfterSeconds: seconds)
    }
    return stop == nil
  }

  private func note(_ message: String) {
    if messages.count < SliceResults.messagesMax { messages.append(message) }
  }
}
