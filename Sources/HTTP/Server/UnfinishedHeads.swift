import CShims
import Glibc
import Synchronization

/// The connections of one of the library's threads whose request line has arrived and whose headers have not ended. Used
/// by that thread alone.
///
/// The library refuses a malformed Content-Length itself, and then builds that answer twice: the client would read two
/// status lines. All it tells us is a line for the log, so this is where we look for the culprit then.
final class UnfinishedHeads: @unchecked Sendable {
  private var connections: [Connection] = []

  init() {}

  func insert(_ connection: Connection) {
    if connection.unfinishedIndex != nil { return }
    connection.unfinishedIndex = connections.count
    connections.append(connection)
  }

  func remove(_ connection: Connection) {
    guard let index = connection.unfinishedIndex else { return }
    connection.unfinishedIndex = nil
    let last = connections.removeLast()
    if last !== connection {
      last.unfinishedIndex = index
      connections[index] = last
    }
  }

  /// Answers and ends every connection whose headers so far hold a length that the library refuses.
  func refuseMalformedLengths() {
    for connection in connections { connection.refuseMalformedLength() }
  }
}

/// The unfinished heads of each of the library's threads. Any thread.
final class UnfinishedHeadsByThread: Sendable {
  private let heads = Mutex<[pthread_t: UnfinishedHeads]>([:])

  init() {}

  /// Those of the thread that asks.
  func ofThisThread() -> UnfinishedHeads {
    heads.withLock { heads in
      if let known = heads[pthread_self()] { return known }
      let made = UnfinishedHeads()
      heads[pthread_self()] = made
      return made
    }
  }
}

extension Connection {
  /// Within the library's refusal, on its thread.
  fileprivate func refuseMalformedLength() {
    var look = LengthLook()
    MHD_get_connection_values_n(handle, .HEADER_KIND, lookAtField, &look)
    guard !look.isChunked, let verdict = look.verdict, phase.enter(.sending) else { return }
    cut(status: verdict)
  }
}

/// The body's length by the headers so far, as the library reads them: the first of each name counts.
private struct LengthLook {
  var isChunked = false
  private var hasLength = false
  /// The answer to a length that is none.
  private(set) var verdict: StaticString?

  mutating func note(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    if name.equalsIgnoringCase(("transfer-encoding" as StaticString).rawBytes) { isChunked = true }
    guard !hasLength, name.equalsIgnoringCase(("content-length" as StaticString).rawBytes) else { return }
    hasLength = true
    let digits = value.prefix { $0 >= 0x30 && $0 <= 0x39 }
    if digits.isEmpty || digits.count < value.count {
      verdict = BareAnswer.malformedLength
    } else if UInt64(String(decoding: digits, as: UTF8.self)) == nil {
      verdict = BareAnswer.tooLarge
    }
  }
}

private func lookAtField(
  context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, nameCount: Int,
  value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
  context?.assumingMemoryBound(to: LengthLook.self).pointee.note(
    UnsafeRawBufferPointer(start: name, count: nameCount), UnsafeRawBufferPointer(start: value, count: valueCount))
  return .YES
}
