/// Messages of the domain name system (RFC 1035, 6891): questions as bytes, and answers out of bytes that anybody may have
/// sent. Pure.
enum DNSMessage {
  typealias RecordType = DNSDiscoveryOptions.RecordType

  /// Bytes of an answer over UDP that we say we take.
  static let datagramBytesMax = 4096

  /// A message that is not what it should be.
  struct MessageError: Error, Equatable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }

  struct Record: Equatable, Sendable {
    enum Content: Equatable, Sendable {
      /// An IP address as text.
      case address(String)
      case srv(target: String, port: Int)
      case mx(String)
      case ns(String)
      case cname
      /// The number of a type that means nothing here.
      case other(Int)
    }

    var content: Content
  }

  struct Response: Equatable, Sendable {
    /// 0: no error, 3: there is no such name.
    var code: Int
    var isTruncated: Bool
    var records: [Record]
  }

  static func number(of type: RecordType) -> UInt16 {
    switch type {
    case .a: 1
    case .ns: 2
    case .mx: 15
    case .aaaa: 28
    case .srv: 33
    }
  }

  /// A question that asks for recursion. `name` as wire bytes.
  static func question(_ name: [UInt8], _ type: RecordType, id: UInt16, hasExtension: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ numbers: UInt16...) {
      for number in numbers { bytes += [UInt8(number >> 8), UInt8(number & 0xff)] }
    }
    append(id, 0x0100, 1, 0, 0, hasExtension ? 1 : 0)
    bytes += name
    append(number(of: type), 1)
    if hasExtension {
      bytes.append(0)
      append(41, UInt16(datagramBytesMax), 0, 0, 0)
    }
    return bytes
  }

  /// The answer to that question; nil where the bytes answer another one, or are none of ours at all.
  static func response(
    _ bytes: [UInt8], to name: [UInt8], _ type: RecordType, id: UInt16
  ) throws(MessageError) -> Response? {
    var reader = DNSReader(bytes)
    guard bytes.count >= 12, try reader.number() == id else { return nil }
    let flags = try reader.number()
    // It is an answer, and of the ordinary kind.
    guard flags & 0x8000 != 0, flags & 0x7800 == 0 else { return nil }
    let questions = try reader.number()
    let counts = [try reader.number(), try reader.number(), try reader.number()]
    guard questions == 1 else {
      // A server that cannot read the question may leave it out.
      return questions == 0 && flags & 0xf != 0
        ? Response(code: Int(flags & 0xf), isTruncated: false, records: []) : nil
    }
    guard lowercased(try reader.name()) == lowercased(name), try reader.number() == number(of: type),
      try reader.number() == 1
    else { return nil }
    var response = Response(code: Int(flags & 0xf), isTruncated: flags & 0x0200 != 0, records: [])
    // The rest of a truncated one may end anywhere.
    if response.isTruncated { return response }
    for (section, count) in counts.enumerated() {
      for _ in 0..<count {
        let record = try reader.record()
        if record.type == 41 { response.code |= Int(record.timeToLive >> 24) << 4 }
        if section == 0, record.recordClass == 1 { response.records.append(Record(content: record.content)) }
      }
    }
    return response
  }

  private static func lowercased(_ name: [UInt8]) -> [UInt8] {
    name.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
  }
}

/// Reads a message from front to back. Every step is bounded by the message's end, and a name by 255 bytes.
struct DNSReader {
  typealias MessageError = DNSMessage.MessageError

  struct RawRecord {
    var type: UInt16
    var recordClass: UInt16
    var timeToLive: UInt32
    var content: DNSMessage.Record.Content
  }

  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private mutating func byte() throws(MessageError) -> UInt8 {
    guard offset < bytes.count else { throw MessageError("the message ends early") }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func number() throws(MessageError) -> UInt16 { UInt16(try byte()) << 8 | UInt16(try byte()) }

  /// The labels with their lengths, written out.
  mutating func name() throws(MessageError) -> [UInt8] {
    var name: [UInt8] = []
    var place = offset
    // Where the name goes on behind its first pointer, and the lowest place a pointer has led to.
    var end: Int?
    var lowest = offset
    while true {
      guard place < bytes.count else { throw MessageError("a name ends early") }
      let length = Int(bytes[place])
      switch length >> 6 {
      case 0:
        guard place + 1 + length <= bytes.count else { throw MessageError("a name ends early") }
        name += bytes[place..<(place + 1 + length)]
        if name.count > 255 { throw MessageError("a name is longer than 255 bytes") }
        place += 1 + length
        if length == 0 {
          offset = end ?? place
          return name
        }
      case 3:
        guard place + 1 < bytes.count else { throw MessageError("a name ends early") }
        let target = (length & 0x3f) << 8 | Int(bytes[place + 1])
        // Only ever further back: a name comes to an end.
        guard target < lowest else { throw MessageError("a name points forward") }
        if end == nil { end = place + 2 }
        lowest = target
        place = target
      default: throw MessageError("a label of an unknown kind")
      }
    }
  }

  mutating func record() throws(MessageError) -> RawRecord {
    _ = try name()
    let type = try number()
    let recordClass = try number()
    let timeToLive = UInt32(try number()) << 16 | UInt32(try number())
    let length = Int(try number())
    guard offset + length <= bytes.count else { throw MessageError("a record ends early") }
    let end = offset + length
    let content = try content(type, length)
    guard offset <= end else { throw MessageError("a record is longer than it says") }
    offset = end
    return RawRecord(type: type, recordClass: recordClass, timeToLive: timeToLive, content: content)
  }

  private mutating func content(
    _ type: UInt16, _ length: Int
  ) throws(MessageError) -> DNSMessage.Record.Content {
    switch type {
    case 1:
      guard length == 4 else { throw MessageError("an IPv4 address of \(length) bytes") }
      return .address(IPText.v4(bytes[offset..<(offset + 4)]))
    case 28:
      guard length == 16 else { throw MessageError("an IPv6 address of \(length) bytes") }
      return .address(IPText.v6(Array(bytes[offset..<(offset + 16)])))
    case 2: return .ns(DNSName.text(try name()))
    case 5:
      _ = try name()
      return .cname
    case 15:
      _ = try number()
      return .mx(DNSName.text(try name()))
    case 33:
      _ = try number()
      _ = try number()
      let port = Int(try number())
      return .srv(target: DNSName.text(try name()), port: port)
    default: return .other(Int(type))
    }
  }
}
