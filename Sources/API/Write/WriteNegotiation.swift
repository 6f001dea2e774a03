import HTTP
import Ingest
import Model

/// Reads from the headers of a write which message its body holds, and in which encoding. Pure.
enum WriteNegotiation {
  static let mediaType = "application/x-protobuf"
  static let messageV1 = "prometheus.WriteRequest"
  static let messageV2 = "io.prometheus.write.v2.Request"

  enum Verdict: Equatable {
    case message(WriteMessage)
    /// 415, with the text.
    case refused(String)

    var refusal: Response {
      guard case .refused(let text) = self else { return .text(415, "unsupported") }
      return .text(415, text)
    }
  }

  /// `application/x-protobuf`, with `proto=` for the message; without it, or without any type, it is that of 1.0. Other
  /// parameters do not matter, as long as they have a name and a value.
  static func message(ofType type: String) -> Verdict {
    // As senders write it: nothing is to be taken apart.
    if type == mediaType { return .message(.v1) }
    if type == "application/x-protobuf;proto=prometheus.WriteRequest" { return .message(.v1) }
    if type == "application/x-protobuf;proto=io.prometheus.write.v2.Request" { return .message(.v2) }
    let type = type.trimmedASCII
    if type.isEmpty { return .message(.v1) }
    let parts = type.split(separator: ";", omittingEmptySubsequences: false).map { String($0).trimmedASCII }
    guard parts[0].lowercased() == mediaType else {
      return .refused("expected \(mediaType) as the first (media) part, got \(type) content-type")
    }
    for parameter in parts.dropFirst() where !parameter.isEmpty {
      let pair = parameter.split(separator: "=", omittingEmptySubsequences: false)
      guard pair.count == 2 else {
        return .refused(
          "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got "
            + "\(parameter) in \(type) content-type")
      }
      guard pair[0].lowercased() == "proto" else { continue }
      switch String(pair[1]) {
      case messageV1: return .message(.v1)
      case messageV2: return .message(.v2)
      default:
        return .refused(
          "got \(type) content type; unknown type for remote write protobuf message \(pair[1]), supported: "
            + "\(messageV1), \(messageV2)")
      }
    }
    return .message(.v1)
  }

  /// The encoding of a body: as its header says, but zstd and gzip are known by their magic numbers, since some senders name
  /// the wrong one, or a proxy has changed it. No snappy block begins so: its first element would be a copy of nothing.
  /// Nil for encodings this server does not read.
  static func encoding(_ name: String, of body: LentBytes) -> BodyEncoding? {
    let sniffed: BodyEncoding
    if body.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
      sniffed = .zstd
    } else if body.starts(with: [0x1f, 0x8b, 0x08]) {
      sniffed = .gzip
    } else {
      sniffed = .snappy
    }
    switch name.trimmedASCII.lowercased() {
    case "", "snappy", "zstd": return sniffed
    case "gzip", "x-gzip": return sniffed == .snappy ? .gzip : sniffed
    case "identity": return .identity
    default: return nil
    }
  }

  static func unknownEncoding(_ name: String) -> String {
    "\(name) encoding (compression) is not accepted by this server; only snappy, zstd, gzip and identity are acceptable"
  }
}

extension String {
  /// The text without spaces and tabs around it.
  var trimmedASCII: String {
    func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    guard let first = utf8.firstIndex(where: { !isSpace($0) }), let last = utf8.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(self[first...last])
  }
}
