import Model

// The same over lent bytes: places that are not inside them end the process instead of reading somebody else's memory.
extension LabelFields {
  package mutating func parse(_ bytes: LentBytes) -> Bool { parse(bytes.raw) }

  package func name(_ index: Int, in bytes: LentBytes) -> LentBytes {
    let start = Int(fields[index].nameOffset)
    return bytes.part(start..<(start + Int(fields[index].nameLength)))
  }

  package func value(_ index: Int, in bytes: LentBytes) -> LentBytes {
    let start = Int(fields[index].valueOffset)
    return bytes.part(start..<(start + Int(fields[index].valueLength)))
  }

  package mutating func canonicalize(in bytes: LentBytes) { canonicalize(in: bytes.raw) }

  package func firstDuplicate(in bytes: LentBytes) -> Int? { firstDuplicate(in: bytes.raw) }

  package func index(of name: StaticString, in bytes: LentBytes) -> Int? { index(of: name, in: bytes.raw) }

  package func appendFields(of bytes: LentBytes, to output: inout ByteBuffer) {
    appendFields(of: bytes.raw, to: &output)
  }

  package func appendPacked(of bytes: LentBytes, to output: inout ByteBuffer) {
    appendPacked(of: bytes.raw, to: &output)
  }

  package static func appendField(name: [UInt8], value: [UInt8], to output: inout ByteBuffer) {
    name.lend { name in value.lend { appendField(name: name.raw, value: $0.raw, to: &output) } }
  }
}
