import Format
import TestKit
import Testing

@Suite struct LabelFieldsTests {
  /// Label fields as a well-behaved sender writes them.
  private func encoded(_ labels: [([UInt8], [UInt8])]) -> [UInt8] {
    let maker = RequestMaker(random: RandomSource(seed: 0))
    return labels.flatMap { maker.field(1, maker.field(1, $0.0) + maker.field(2, $0.1)) }
  }

  private func pairs(_ fields: borrowing LabelFields, _ raw: UnsafeRawBufferPointer) -> [[UInt8]] {
    (0..<fields.fields.count).flatMap { [Array(fields.name($0, in: raw)), Array(fields.value($0, in: raw))] }
  }

  private func randomLabels(_ random: inout RandomSource) -> [([UInt8], [UInt8])] {
    // Few letters, so that names repeat and are prefixes of one another; every length of the length's own varint.
    (0..<random.below(12)).map { _ in
      let name = (0..<random.below(4)).map { _ in UInt8([97, 98, 0xff, 0][random.below(4)]) }
      let length = [0, 1, 5, 127, 128, 16_383, 16_384][random.below(7)]
      return (name, random.bytes(length))
    }
  }

  @Test("canonical labels are sorted by the bytes of their names, without empty values, none lost or made")
  func canonicalForm() {
    var random = RandomSource(for: "label fields")
    var fields = LabelFields()
    for _ in 0..<400 {
      let labels = randomLabels(&random)
      encoded(labels).withUnsafeBytes { raw in
        let isParsed = fields.parse(raw)
        #expect(isParsed)
        let parsed = pairs(fields, raw)
        #expect(parsed == labels.flatMap { [$0.0, $0.1] })
        fields.canonicalize(in: raw)
        let wanted = labels.filter { !$0.1.isEmpty }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
        let names = (0..<fields.fields.count).map { Array(fields.name($0, in: raw)) }
        #expect(names == wanted.map(\.0))
        let duplicate = zip(wanted, wanted.dropFirst()).enumerated().first { $0.element.0.0 == $0.element.1.0 }
        let found = fields.firstDuplicate(in: raw)
        #expect(found == duplicate.map { $0.offset + 1 })
        let sortedValues = { (values: [[UInt8]]) in values.sorted { $0.lexicographicallyPrecedes($1) } }
        let values = (0..<fields.fields.count).map { Array(fields.value($0, in: raw)) }
        #expect(sortedValues(values) == sortedValues(wanted.map(\.1)))
      }
    }
  }

  @Test("sorted labels written back are the bytes that came, and what is written parses to the same")
  func roundTrip() {
    var random = RandomSource(for: "label fields written back")
    var fields = LabelFields()
    for _ in 0..<400 {
      let labels = randomLabels(&random)
      let canonical = labels.filter { !$0.1.isEmpty }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
      let raw = encoded(canonical)
      let written = raw.withUnsafeBytes { raw in
        let isParsed = fields.parse(raw)
        #expect(isParsed)
        fields.canonicalize(in: raw)
        return bytes { fields.appendFields(of: raw, to: &$0) }
      }
      #expect(written == raw)

      let unsorted = encoded(labels)
      let again = unsorted.withUnsafeBytes { raw in
        let isParsed = fields.parse(raw)
        #expect(isParsed)
        fields.canonicalize(in: raw)
        return bytes { fields.appendFields(of: raw, to: &$0) }
      }
      #expect(again.count == raw.count)
      again.withUnsafeBytes { again in
        let isParsed = fields.parse(again)
        #expect(isParsed)
        let before = pairs(fields, again)
        fields.canonicalize(in: again)
        let after = pairs(fields, again)
        #expect(after == before)
      }
    }
  }

  @Test("packed labels are name and value behind their lengths")
  func packed() {
    var fields = LabelFields()
    encoded([([98], [1, 2]), ([97], [3])]).withUnsafeBytes { raw in
      let isParsed = fields.parse(raw)
      #expect(isParsed)
      fields.canonicalize(in: raw)
      let packed = bytes { fields.appendPacked(of: raw, to: &$0) }
      #expect(packed == [1, 97, 1, 3, 1, 98, 2, 1, 2])
      let (present, absent) = (fields.index(of: "b", in: raw), fields.index(of: "c", in: raw))
      #expect(present == 1 && absent == nil)
    }
  }

  @Test("a label may leave out its name or value, repeat it, or hold unknown fields; the last of a field counts")
  func oddLabels() {
    var fields = LabelFields()
    let cases: [([UInt8], [[UInt8]]?)] = [
      ([], []),
      ([0x0a, 0x00], [[], []]),
      ([0x0a, 0x03, 0x0a, 0x01, 97], [[97], []]),
      ([0x0a, 0x03, 0x12, 0x01, 97], [[], [97]]),
      ([0x0a, 0x06, 0x0a, 0x01, 97, 0x0a, 0x01, 98], [[98], []]),
      ([0x0a, 0x05, 0x0a, 0x01, 97, 0x18, 0x07], [[97], []]),
      ([0x0a, 0x02, 0x0a, 0x01], nil),
      ([0x0a, 0x02, 0x08, 0x01], nil),
      ([0x0a, 0x02, 0x10, 0x01], nil),
      ([0x12, 0x00], nil),
      ([0x0a], nil),
      ([0x0a, 0x01], nil),
    ]
    let memory = GuardedMemory(bytesMax: 4096)
    for (bytes, expected) in cases {
      let raw = memory.lay(bytes)
      let isParsed = fields.parse(raw)
      #expect(isParsed == (expected != nil), "\(bytes)")
      let read = isParsed ? pairs(fields, raw) : nil
      #expect(read == expected, "\(bytes)")
    }
  }

  @Test(
    "very many labels in the worst order are sorted at once, not in the square of their number",
    .timeLimit(.minutes(3)))
  func manyLabels() {
    var fields = LabelFields()
    var raw: [UInt8] = []
    let count = 60_000
    for index in (0..<count).reversed() {
      let name = withUnsafeBytes(of: UInt32(index).bigEndian) { Array($0) }
      raw += [0x0a, 0x09, 0x0a, 0x04] + name + [0x12, 0x01, 97]
    }
    raw.withUnsafeBytes { raw in
      let isParsed = fields.parse(raw)
      #expect(isParsed)
      fields.canonicalize(in: raw)
      let (kept, duplicate) = (fields.fields.count, fields.firstDuplicate(in: raw))
      #expect(kept == count && duplicate == nil)
      for index in [0, 1, 2, count / 2, count - 1] {
        let name = Array(fields.name(index, in: raw))
        #expect(name == withUnsafeBytes(of: UInt32(index).bigEndian) { Array($0) })
      }
    }
  }
}
