import Format
import Model
import Platform
import Synchronization

/// Takes in remote-write bodies: decompresses them, scans them into rows, and hands those to the intake. Any thread; each
/// body runs on the caller's.
package final class Receiver: Sendable {
  package let intake: Intake
  private let idle = Mutex<[Exclusive<BodyReader>]>([])

  package init(_ intake: Intake) { self.intake = intake }

  /// Takes in one body of the remote-write 1.0 protocol.
  package func receive(_ body: LentBytes, encoding: BodyEncoding) -> ReceiveOutcome {
    receive(body, encoding: encoding, message: .v1).outcome
  }

  /// Takes in one body, and says how much of it is stored, or need not be because it is of a replica that does not lead.
  package func receive(
    _ body: LentBytes, encoding: BodyEncoding, message: WriteMessage,
    from sender: () -> Sender = { .unknown }
  ) -> (outcome: ReceiveOutcome, written: WrittenCounts) {
    let form = BodyForm(encoding: encoding, message: message)
    if let unavailable = intake.unavailable { return (unavailable, WrittenCounts()) }
    let lent = idle.withLock { $0.popLast() } ?? Exclusive(BodyReader())
    defer { idle.withLock { $0.append(lent) } }
    return lent.use { reader in
      defer { reader.reset() }
      if let unread = reader.read(body, form, decodedBytesMax: intake.decodedBytesMax, key: intake.key) {
        intake.tell(unread: unread, sender)
        return (unread, WrittenCounts())
      }
      return intake.append(
        &reader.rows, in: reader.bytes(of: body, form), .body(body, form), from: sender)
    }
  }
}
