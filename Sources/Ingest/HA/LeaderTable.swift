import Platform

/// The table that lets a restart keep the leaders: the body of a sealed file, one line each:
///
///     <cluster> <replica> <elected at, ms> <superseded through, ms> <changes>[ once][ resting <newest sample, ms>]
///
/// `once`: a single body of the cluster has come so far. `resting`: nothing was heard of it for long. Bytes of names that are no printable ASCII, and blanks and `%`, are
/// written as `%xx`. Replaced as a whole on change.
enum LeaderTable {
  struct Leader: Equatable, Sendable {
    var cluster: String
    var replica: String
    var electedAtMilliseconds: Int64
    var supersededThrough: Int64
    var changes: Int
    var hasWrittenOnce = false
    /// The newest sample that the leaders of a resting cluster brought; nil for a cluster that has its place.
    var restingNewestSample: Int64?
  }

  private static let once = "once"
  private static let resting = "resting"

  static func file(_ path: String, on disk: any Disk) -> SealedFile {
    SealedFile(path, name: "ha leaders", format: 1, on: disk)
  }

  static func encode(_ leaders: [Leader]) -> [UInt8] {
    var bytes: [UInt8] = []
    for leader in leaders {
      append(leader.cluster, to: &bytes)
      bytes.append(UInt8(ascii: " "))
      append(leader.replica, to: &bytes)
      bytes += " \(leader.electedAtMilliseconds) \(leader.supersededThrough) \(leader.changes)".utf8
      if leader.hasWrittenOnce { bytes += " \(once)".utf8 }
      if let newest = leader.restingNewestSample { bytes += " \(resting) \(newest)".utf8 }
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }

  /// Nil where these are not the lines of such a table.
  static func decode(_ body: [UInt8]) -> [Leader]? {
    var leaders: [Leader] = []
    for line in body.split(separator: UInt8(ascii: "\n")) {
      var parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      var newest: Int64?
      if parts.count > 6, parts[parts.count - 2].elementsEqual(resting.utf8) {
        newest = Int64(String(decoding: parts[parts.count - 1], as: UTF8.self))
        if newest == nil { return nil }
        parts.removeLast(2)
      }
      let hasWrittenOnce = parts.count == 6 && parts[5].elementsEqual(once.utf8)
      if hasWrittenOnce { parts.removeLast() }
      guard parts.count == 5, let cluster = name(parts[0]), let replica = name(parts[1]),
        let elected = Int64(String(decoding: parts[2], as: UTF8.self)),
        let superseded = Int64(String(decoding: parts[3], as: UTF8.self)),
        let changes = Int(String(decoding: parts[4], as: UTF8.self))
      else { return nil }
      leaders.append(
        Leader(
          cluster: cluster, replica: replica, electedAtMilliseconds: elected, supersededThrough: superseded,
          changes: changes, hasWrittenOnce: hasWrittenOnce, restingNewestSample: newest))
    }
    return leaders
  }

  private static func append(_ name: String, to bytes: inout [UInt8]) {
    for byte in name.utf8 {
      if byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "%") {
        bytes.append(byte)
      } else {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(digit(byte >> 4))
        bytes.append(digit(byte & 15))
      }
    }
  }

  private static func name(_ part: ArraySlice<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var rest = part
    while let byte = rest.popFirst() {
      if byte != UInt8(ascii: "%") {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(value), let low = rest.popFirst().flatMap(value) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes.isEmpty ? nil : String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
