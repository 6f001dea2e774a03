import CYAML

/// One event of libyaml, without its C types.
enum YAMLEvent {
  case streamStart, documentStart, documentEnd, streamEnd
  case alias(String)
  case scalar(YAMLScalar, anchor: String?)
  case sequenceStart(anchor: String?)
  case sequenceEnd
  case mappingStart(anchor: String?)
  case mappingEnd
}

/// The stream of parser events over bytes in memory. One owner; wraps one libyaml parser, which lives and dies with it.
struct YAMLEvents: ~Copyable {
  /// A text longer than this has no use in a name, a key or a value.
  static let anchorBytesMax = 1024

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>

  init(_ bytes: [UInt8]) {
    input = .allocate(capacity: max(bytes.count, 1))
    _ = input.initialize(from: bytes)
    parser = .allocate(capacity: 1)
    let initialized = yaml_parser_initialize(parser)
    precondition(initialized == 1, "no memory for a YAML parser")
    yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    input.deallocate()
  }

  /// The next event and where it begins.
  mutating func next() throws(YAMLError) -> (event: YAMLEvent, position: YAMLPosition) {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
    defer { yaml_event_delete(&event) }
    let position = YAMLPosition(line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1)
    return (try translate(event, at: position), position)
  }

  private func translate(_ event: yaml_event_t, at position: YAMLPosition) throws(YAMLError) -> YAMLEvent {
    switch event.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_STREAM_END_EVENT: return .streamEnd
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias(try name(event.data.alias.anchor, at: position) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let text = String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      let isPlain =
        try isPlain(scalar.tag, at: position) ?? (scalar.style == YAML_PLAIN_SCALAR_STYLE)
      return .scalar(YAMLScalar(text, isPlain: isPlain), anchor: try name(scalar.anchor, at: position))
    case YAML_SEQUENCE_START_EVENT:
      return .sequenceStart(anchor: try name(event.data.sequence_start.anchor, at: position))
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      return .mappingStart(anchor: try name(event.data.mapping_start.anchor, at: position))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: throw YAMLError(position: position, what: "nothing can be read here")
    }
  }

  private func name(
    _ bytes: UnsafeMutablePointer<yaml_char_t>?, at position: YAMLPosition
  ) throws(YAMLError) -> String? {
    guard let bytes else { return nil }
    let text = String(cString: bytes)
    if text.utf8.count > YAMLEvents.anchorBytesMax {
      throw YAMLError(position: position, what: "an anchor is longer than \(YAMLEvents.anchorBytesMax) bytes")
    }
    return text
  }

  /// The meaning of a tag for its scalar: text, or something to be read; nil where there is no tag.
  private func isPlain(_ tag: UnsafeMutablePointer<yaml_char_t>?, at position: YAMLPosition) throws(YAMLError) -> Bool?
  {
    guard let tag else { return nil }
    let text = String(cString: tag)
    let prefix = "tag:yaml.org,2002:"
    if text == "!" || text == prefix + "str" { return false }
    if ["bool", "int", "float", "null"].contains(where: { text == prefix + $0 }) { return true }
    throw YAMLError(position: position, what: "the tag \(text) is not known")
  }

  /// libyaml's complaint; one about the bytes themselves has an offset instead of a place.
  private func problem() -> YAMLError {
    let state = parser.pointee
    var what = state.problem.map { String(cString: $0) } ?? "no memory"
    if state.error == YAML_READER_ERROR {
      let before = input.prefix(min(state.problem_offset, input.count))
      let lineStart = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
      let column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count
      let line = before.count { $0 == 10 }
      return YAMLError(position: YAMLPosition(line: line + 1, column: column + 1), what: what)
    }
    if let context = state.context { what += " " + String(cString: context) }
    return YAMLError(
      position: YAMLPosition(line: Int(state.problem_mark.line) + 1, column: Int(state.problem_mark.column) + 1),
      what: what)
  }
}
