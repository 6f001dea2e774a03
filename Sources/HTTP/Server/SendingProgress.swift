import CShims

/// The progress of sending: whether the client takes its answer, seen from its socket's acknowledgements. The watch
/// thread's, of one
/// connection.
struct SendingProgress {
  private var acknowledgedBytes: UInt64 = 0
  /// When the client last took something, or there was nothing for it to take; 0 outside an answer.
  private var movedMilliseconds: Int64 = 0

  init() {}

  mutating func reset() { movedMilliseconds = 0 }

  /// How long the client has taken nothing of what waits for it.
  mutating func stalledMilliseconds(of socket: Int32, now: Int64) -> Int64 {
    var acknowledged: UInt64 = 0
    var waiting: UInt32 = 0
    let isKnown = apus_socket_progress(socket, &acknowledged, &waiting) != 0
    if movedMilliseconds == 0 || !isKnown || waiting == 0 || acknowledged != acknowledgedBytes {
      acknowledgedBytes = acknowledged
      movedMilliseconds = now
    }
    return now - movedMilliseconds
  }
}
