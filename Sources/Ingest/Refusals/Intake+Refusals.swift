import Platform

// Every refusal is counted, told in the log and remembered, whatever its sender is answered.
extension Intake {
  /// Counts and tells of a body that could not be read.
  func tell(unread outcome: ReceiveOutcome, _ sender: () -> Sender) {
    switch outcome {
    case .malformed(let message):
      metrics.malformed.add()
      tell(refusedBody: "malformed_body", message, sender())
    case .tooLarge(let message):
      metrics.malformed.add()
      tell(refusedBody: "body_too_large", message, sender())
    // It comes again as a whole.
    case .unavailable, .limited, .stored, .refusedReplica, .partly: return
    }
  }

  /// Counts and logs the refusals of one delivery.
  func tell(_ outcome: ReceiveOutcome, _ delivery: Delivery, _ sender: () -> Sender) {
    switch outcome {
    // It comes again as a whole.
    case .unavailable: return
    case .stored, .refusedReplica, .partly: break
    case .limited: return tell(delivery.refusals, .samples, sender(), answer: "429")
    case .malformed, .tooLarge: return tell(unread: outcome, sender)
    }
    if delivery.refusals.isEmpty && delivery.refusedExemplars.isEmpty && delivery.refusedMetadata.isEmpty { return }
    let sender = sender()
    tell(delivery.refusals, .samples, sender, answer: sender.partlyAnswer)
    tell(delivery.refusedExemplars, .exemplars, sender, answer: sender.partlyAnswer)
    tell(delivery.refusedMetadata, .metadata, sender, answer: sender.partlyAnswer)
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
