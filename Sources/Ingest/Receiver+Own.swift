import TSDB

extension Receiver {
  /// Takes in the server's own metrics, a 1.0 body that is not compressed. Limits, rate, rules and replicas are for what
  /// others send: they neither hold for it, nor does it count towards them.
  func receiveOwn(_ body: UnsafeRawBufferPointer) -> ReceiveOutcome {
    withScratch { scratch, _ in
      scratch.isOwn = true
      scratch.batch.isExempt = true
      var limits = IngestLimits()
      limits.decodedBytesMax = .max
      let form = BodyForm(encoding: .identity, message: .v1)
      let outcome = receive(body, form, scratch, limits, isAdmitted: true)
      tell(outcome, scratch) { .own("this server's own metrics") }
      head.exemptSeriesCount = scratch.batch.rows.rows.count
      return outcome
    }
  }
}
