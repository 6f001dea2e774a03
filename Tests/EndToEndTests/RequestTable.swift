import TestKit

/// The requests of Tests/Requests/http-api.txt, which says how its lines are to be read.
struct RequestTable {
  struct Line: CustomStringConvertible {
    enum Mark: String { case order, count, members, keys, text, refused, newer }

    var number: Int
    var method: String
    var target: String
    var form: String?
    var mark: Mark?

    var description: String { "line \(number): \(method) \(target) \(form ?? "")" }
  }

  struct Malformed: Error { var line: String }

  let lines: [Line]

  /// `start` and `end` are whole seconds.
  init(_ text: String, start: Int64, end: Int64) throws(Malformed) {
    var lines: [Line] = []
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if raw.isEmpty || raw.hasPrefix("#") { continue }
      var text = String(raw)
      for (name, value) in [("{t}", "\(start)"), ("{T}", RequestTable.rfc3339(start)), ("{end}", "\(end)")] {
        text = RequestTable.replacing(name, with: value, in: text)
      }
      var fields = text.split(separator: " ").map(String.init)
      var mark: Line.Mark?
      if let last = fields.last, last.hasPrefix("#") {
        guard let known = Line.Mark(rawValue: String(last.dropFirst())) else { throw Malformed(line: text) }
        mark = known
        fields.removeLast()
      }
      guard fields.count >= 2 else { throw Malformed(line: text) }
      let sends = fields[0] == "POST" || fields[0] == "PUT"
      let target = sends ? fields[1] : fields[1...].joined(separator: " ")
      let form = sends ? fields.dropFirst(2).joined(separator: " ") : nil
      lines.append(
        Line(
          number: index + 1, method: fields[0], target: RequestTable.encoded(target),
          form: form.map(RequestTable.encoded), mark: mark))
    }
    self.lines = lines
  }

  func exchange(_ line: Line, with server: ServerProcess) throws -> HTTPAnswer {
    let headers = line.form == nil ? [] : [("Content-Type", "application/x-www-form-urlencoded")]
    return try server.request(line.method, line.target, headers: headers, body: Array((line.form ?? "").utf8))
  }

  /// What differs between two answers; nil where nothing does that counts.
  static func difference(_ line: Line, _ peer: HTTPAnswer, _ own: HTTPAnswer) -> String? {
    if peer.status != own.status { return "status \(peer.status) | \(own.status)" }
    if line.mark == .refused { return nil }
    if peer.header("Content-Type") != own.header("Content-Type") {
      return "type \(peer.header("Content-Type") ?? "-") | \(own.header("Content-Type") ?? "-")"
    }
    if peer.header("Location") != own.header("Location") { return "another Location" }
    if peer.header("Vary") == "Origin", own.header("Vary") != "Origin" { return "no header Vary" }
    return isSame(line, peer, own) ? nil : "\(peer.text.prefix(800)) | \(own.text.prefix(800))"
  }

  private static func isSame(_ line: Line, _ peer: HTTPAnswer, _ own: HTTPAnswer) -> Bool {
    guard let mark = line.mark, mark != .text else { return peer.body == own.body }
    guard let left = try? JSONValue(parsing: peer.body), let right = try? JSONValue(parsing: own.body) else {
      return false
    }
    switch mark {
    case .order: return left.unordered == right.unordered
    case .count: return left.counted == right.counted
    case .members: return right.contains(left)
    case .keys:
      let keys = { (json: JSONValue) in (json["data"].members ?? json.members ?? []).map(\.name) }
      return keys(left) == keys(right).filter { $0 != "apusVersion" }
    case .newer: return left["errorType"] == right["errorType"] && left["status"] == right["status"]
    case .text, .refused: return true
    }
  }

  // MARK: Texts

  private static func encoded(_ text: String) -> String {
    let kept = Set("-_.~%&=+/?:@!$'()*,;[]".utf8)
    var result = ""
    for byte in text.utf8 {
      let isKept =
        kept.contains(byte) || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      result += isKept ? String(Unicode.Scalar(byte)) : percentEncodedByte(byte)
    }
    return result
  }

  private static func percentEncodedByte(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return digits.count == 1 ? "%0\(digits)" : "%\(digits)"
  }

  private static func replacing(_ name: String, with value: String, in text: String) -> String {
    var result = ""
    var rest = text[...]
    while !rest.isEmpty {
      if rest.hasPrefix(name) {
        result += value
        rest = rest.dropFirst(name.count)
      } else {
        result.append(rest.removeFirst())
      }
    }
    return result
  }

  /// Counted forward from 1970: the tests run in years for which that is short.
  static func rfc3339(_ seconds: Int64) -> String {
    var days = seconds / 86_400
    var year: Int64 = 1970
    let isLeap = { (year: Int64) in year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
    while days >= (isLeap(year) ? 366 : 365) {
      days -= isLeap(year) ? 366 : 365
      year += 1
    }
    var month = 1
    for length in [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] as [Int64] where days >= length {
      // The months before the first that is too long.
      days -= length
      month += 1
    }
    let padded = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
    let time = seconds % 86_400
    return "\(year)-\(padded(Int64(month)))-\(padded(days + 1))T"
      + "\(padded(time / 3600)):\(padded(time / 60 % 60)):\(padded(time % 60))Z"
  }
}

extension JSONValue {
  /// Lists sorted by their own text.
  fileprivate var unordered: JSONValue {
    switch self {
    case .array(let values): .array(values.map(\.unordered).sorted { "\($0)" < "\($1)" })
    case .object(let members):
      // A section of our own is no difference.
      .object(
        members.filter { $0.name != "apus" }.map { Member(name: $0.name, value: $0.value.unordered) }.sorted {
          $0.name < $1.name
        })
    default: self
    }
  }

  /// Lists as their lengths.
  fileprivate var counted: JSONValue {
    switch self {
    case .array(let values): .number(Double(values.count))
    case .object(let members): .object(members.map { Member(name: $0.name, value: $0.value.counted) })
    default: self
    }
  }

  /// Whether it has all that `other` has, and perhaps more members.
  fileprivate func contains(_ other: JSONValue) -> Bool {
    switch (self, other) {
    case (.array(let left), .array(let right)):
      left.count == right.count && zip(left, right).allSatisfy { $0.contains($1) }
    case (.object, .object(let right)): right.allSatisfy { self[$0.name].contains($0.value) }
    default: self == other
    }
  }
}
