import Platform

// Every refusal is counted, told in the log and remembered, whatever its sender is answered.
extension Receiver {
  /// Tells of what was refused of one body.
  func tell(_ outcome: ReceiveOutcome, _ scratch: ReceiveScratch, _ sender: () -> Sender) {
    switch outcome {
    // It comes again as a whole.
    case .unavailable: return
    case .stored, .refusedReplica, .partly: break
    case .limited: return tell(scratch.refusals, .samples, sender(), answer: "429")
    case .malformed(let message): return tell(refusedBody: "malformed_body", message, sender())
    case .tooLarge(let message): return tell(refusedBody: "body_too_large", message, sender())
    }
    if scratch.refusals.isEmpty && scratch.refusedExemplars.isEmpty && scratch.refusedMetadata.isEmpty { return }
    let sender = sender()
    tell(scratch.refusals, .samples, sender, answer: sender.partlyAnswer)
    tell(scratch.refusedExemplars, .exemplars, sender, answer: sender.partlyAnswer)
    tell(scratch.refusedMetadata, .metadata, sender, answer: sender.partlyAnswer)
  }

  func tell(_ refused: Refusals, _ unit: RefusalUnit, _ sender: Sender, answer: String) {
    if refused.isEmpty { return }
    metrics.count(refused, unit)
    if sender.isNotTold && unit == .samples { metrics.untold.add(refused.total) }
    refusals.note(refused, unit, from: sender, answer: answer)
  }

  /// Tells of a body of which nothing could be read.
  package func tell(refusedBody reason: String, _ message: String, _ sender: Sender, answer: String = "400") {
    metrics.count(reason: reason, 1, .bodies)
    refusals.note(reason, count: 1, .bodies, Offender(message), from: sender, answer: answer)
  }
}
