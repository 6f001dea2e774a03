/// The request line and the headers, copied once out of the connection's memory into one run of bytes that is reused
/// for the next request: whatever holds the request may read them as long as it likes.
struct RequestHead: ~Copyable {
  /// Segments of a path; a path with more is not found.
  static let segmentsMax = 24

  struct Field { var name: Range<Int>, value: Range<Int> }

  /// The target as sent, the fields, the decoded segments of the path: in this order.
  private var store = ByteStore()
  private var path = 0..<0
  private var query = 0..<0
  private(set) var fields: [Field] = []
  /// The decoded, non-empty parts of the path between slashes.
  private(set) var segments: [Range<Int>] = []

  init() {}

  mutating func removeAll() {
    store.removeAll()
    path = 0..<0
    query = 0..<0
    fields.removeAll(keepingCapacity: true)
    segments.removeAll(keepingCapacity: true)
  }

  subscript(range: Range<Int>) -> UnsafeRawBufferPointer { store.bytes.part(range) }

  /// As sent.
  var rawPath: UnsafeRawBufferPointer { self[path] }
  /// As sent, without the question mark.
  var rawQuery: UnsafeRawBufferPointer { self[query] }
  var targetCount: Int { query.isEmpty ? path.upperBound : query.upperBound }

  /// Offset of the query in the target; nil without a question mark.
  var queryStart: Int? {
    path.upperBound < store.count && store.bytes[path.upperBound] == UInt8(ascii: "?") ? path.upperBound + 1 : nil
  }

  /// Takes the target of the request line. An absolute one loses its scheme and host.
  mutating func setTarget(_ target: UnsafeRawBufferPointer) {
    removeAll()
    store.append(target)
    var start = 0
    if !target.starts(withASCII: "/"), target.starts(withASCII: "http://") || target.starts(withASCII: "https://") {
      start = (target.starts(withASCII: "http://") ? 7 : 8)
      while start < target.count && target[start] != UInt8(ascii: "/") { start += 1 }
    }
    var end = start
    while end < target.count && target[end] != UInt8(ascii: "?") { end += 1 }
    path = start..<end
    query = end < target.count ? (end + 1)..<target.count : target.count..<target.count
  }

  mutating func addField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    // The library leaves the space before the line's end.
    var end = value.count
    while end > 0, value[end - 1] == 0x20 || value[end - 1] == 0x09 { end -= 1 }
    let value = value.part(0..<end)
    let start = store.count
    store.append(name)
    let middle = store.count
    store.append(value)
    fields.append(Field(name: start..<middle, value: middle..<store.count))
  }

  /// Cuts the path into decoded segments; false when it is not one a server should act on.
  mutating func splitPath() -> Bool {
    guard !path.isEmpty, store.bytes[path.lowerBound] == UInt8(ascii: "/") else { return false }
    var isEscaped = false
    for index in path.lowerBound..<query.upperBound {
      let byte = store.bytes[index]
      if byte <= 0x20 || byte == 0x7F { return false }
      if byte == UInt8(ascii: "%") { isEscaped = true }
    }
    if isEscaped && !(PercentDecoding.isWellFormed(rawPath) && PercentDecoding.isWellFormed(rawQuery)) { return false }
    var start = path.lowerBound + 1
    while start < path.upperBound {
      var end = start
      while end < path.upperBound && store.bytes[end] != UInt8(ascii: "/") { end += 1 }
      if end > start {
        // Past the limit no route can match; the rest need not be kept.
        if segments.count > Self.segmentsMax { return true }
        segments.append(isEscaped ? decoded(start..<end) : start..<end)
      }
      start = end + 1
    }
    return true
  }

  private mutating func decoded(_ range: Range<Int>) -> Range<Int> {
    guard store.reserve(range.count) else { return range }
    let start = store.count
    let source = store.bytes.part(range)
    PercentDecoding.decode(source, plusIsSpace: false) { store.append($0) }
    return start..<store.count
  }

  /// The value of the first field of this name.
  func value(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    for field in fields where field.name.count == name.count && self[field.name].equalsIgnoringCase(name) {
      return self[field.value]
    }
    return nil
  }
}
