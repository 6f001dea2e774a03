import Format
import Platform

/// The file that lets a restart keep the leaders, one line each, ended by a checksum:
///
///     apus ha leaders 1
///     <cluster> <replica> <elected at, ms> <superseded through, ms> <changes>[ once]
///     crc32c <8 hex digits of all bytes before this line>
///
/// `once`: a single body of the cluster has come so far. Bytes of names that are no printable ASCII, and blanks and `%`, are written as `%xx`. Replaced as a whole on change.
enum LeaderTable {
  struct Leader: Equatable, Sendable {
    var cluster: String
    var replica: String
    var electedAtMilliseconds: Int64
    var supersededThrough: Int64
    var changes: Int
    var hasWrittenOnce = false
  }

  /// Bytes of a file that is read; far above what the most clusters with the longest names take.
  static let bytesMax = 64 << 20
  private static let title = "apus ha leaders 1\n"
  private static let once = " once"
  private static let checksumName = "crc32c "

  static func encode(_ leaders: [Leader]) -> [UInt8] {
    var bytes = Array(title.utf8)
    for leader in leaders {
      append(leader.cluster, to: &bytes)
      bytes.append(UInt8(ascii: " "))
      append(leader.replica, to: &bytes)
      bytes += " \(leader.electedAtMilliseconds) \(leader.supersededThrough) \(leader.changes)".utf8
      bytes += (leader.hasWrittenOnce ? once + "\n" : "\n").utf8
    }
    bytes += (checksumName + hexadecimal(bytes.withUnsafeBytes { checksum($0) }) + "\n").utf8
    return bytes
  }

  /// Nil where these are not the bytes of such a file, all of them and unchanged.
  static func decode(_ bytes: [UInt8]) -> [Leader]? {
    let tail = checksumName.utf8.count + 8 + 1
    guard bytes.count >= title.utf8.count + tail, bytes.count <= bytesMax, bytes.starts(with: title.utf8) else {
      return nil
    }
    let body = bytes.dropLast(tail)
    let expected = body.withUnsafeBytes { checksum($0) }
    guard bytes.suffix(tail).elementsEqual((checksumName + hexadecimal(expected) + "\n").utf8) else { return nil }
    var leaders: [Leader] = []
    for line in body.dropFirst(title.utf8.count).split(separator: UInt8(ascii: "\n")) {
      let hasWrittenOnce = line.suffix(once.utf8.count).elementsEqual(once.utf8)
      let fields = hasWrittenOnce ? line.dropLast(once.utf8.count) : line
      let parts = fields.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      guard parts.count == 5, let cluster = name(parts[0]), let replica = name(parts[1]),
        let elected = Int64(String(decoding: parts[2], as: UTF8.self)),
        let superseded = Int64(String(decoding: parts[3], as: UTF8.self)),
        let changes = Int(String(decoding: parts[4], as: UTF8.self))
      else { return nil }
      leaders.append(
        Leader(
          cluster: cluster, replica: replica, electedAtMilliseconds: elected, supersededThrough: superseded,
          changes: changes, hasWrittenOnce: hasWrittenOnce))
    }
    return leaders
  }

  static func write(_ leaders: [Leader], to path: String, on disk: any Disk) throws(DiskError) {
    try AtomicReplace.write(encode(leaders), to: path, on: disk)
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

  private static func hexadecimal(_ number: UInt32) -> String {
    var text = ""
    for shift in stride(from: 28, through: 0, by: -4) {
      text.unicodeScalars.append(Unicode.Scalar(digit(UInt8(number >> UInt32(shift) & 15))))
    }
    return text
  }
}
