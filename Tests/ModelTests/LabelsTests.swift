import TestKit
import Testing

@testable import Model

/// Random numbers that a seed replays.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

private func labels(_ pairs: KeyValuePairs<String, String>) -> Labels { Labels(pairs.map { ($0.key, $0.value) }) }

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct LabelsTests {
  /// Prometheus's `labels.Compare` over pairs, written the slow way.
  private func reference(_ left: [(name: String, value: String)], _ right: [(name: String, value: String)]) -> Int {
    for (one, two) in zip(left, right) {
      for (a, b) in [(one.name, two.name), (one.value, two.value)] where a != b {
        return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
      }
    }
    return left.count - right.count
  }

  @Test("the order is that of Prometheus's labels.Compare, for all pairs of 200 random sets")
  func order() {
    let seed = RandomSource(for: "label order").seed
    var generator = SplitMix(state: seed)
    let names = ["", "a", "aa", "ab", "b", "__name__", "ä", "\u{10ffff}"]
    let values = ["a", "b", "ab", "B", "é", "\u{1}", String(repeating: "x", count: 130), "xx"]
    let sets = (0..<200).map { _ in
      Labels(
        (0..<Int.random(in: 0...4, using: &generator)).map { _ in
          (names.randomElement(using: &generator) ?? "", values.randomElement(using: &generator) ?? "")
        })
    }
    for left in sets {
      for right in sets {
        let wanted = reference(left.pairs, right.pairs)
        let isRight =
          Labels.compare(left, right).signum() == wanted.signum() && (left < right) == (wanted < 0)
          && (left == right) == (wanted == 0) && (left != right || left.stableHash == right.stableHash)
        if !isRight { Issue.record("\(left) \(right) seed \(seed)") }
      }
    }
  }

  @Test("labels are sorted by the bytes of their names; the last of doubles stays, empty values go")
  func canonical() {
    #expect(labels(["b": "2", "a": "1"]) == labels(["a": "1", "b": "2"]))
    #expect(labels(["a": "1", "a": "2"]).pairs.map { $0.value } == ["2"])
    #expect(labels(["a": "1", "a": ""]).isEmpty)
    #expect(labels(["Z": "1", "a": "1", "_": "1", "é": "1"]).pairs.map { $0.name } == ["Z", "_", "a", "é"])
    #expect(labels(["b": "2", "a": "1"]).description == #"{a="1", b="2"}"#)
    #expect(Labels.empty.description == "{}")
    #expect(labels(["a": "x\"y\\z\n"]).description == #"{a="x\"y\\z\n"}"#)
  }

  @Test("a value is found by its name, in any place, and by nothing else")
  func lookUp() {
    let set = labels([
      "__name__": "up", "instance": "host:1", "job": "node", "long": String(repeating: "v", count: 200),
    ])
    #expect(set.count == 4 && set.metricName == "up")
    #expect(set["instance"] == "host:1" && set["job"] == "node" && set["long"]?.count == 200)
    #expect(set["insta"] == nil && set["instancee"] == nil && set["zzz"] == nil && set[""] == nil)
    #expect(set.has("job") && !set.has("jo"))
    #expect(set.withValue(of: "job") { $0.map { Array($0) } } == bytes("node"))
    #expect(bytes("job").withUnsafeBytes { set.withValue(of: $0) { $0?.count } } == 4)
  }

  @Test("keeping and dropping are complements, and equal what filtering pairs says")
  func subsets() {
    let all = ["a", "b", "c", "d", "e"]
    for bits in 0..<32 {
      let set = Labels(all.indices.filter { bits >> $0 & 1 != 0 }.map { (all[$0], "v\($0)") })
      for named in 0..<32 {
        let chosen = all.indices.filter { named >> $0 & 1 != 0 }.map { all[$0] }
        let names = LabelNameSet(chosen.reversed() + chosen)
        #expect(set.keeping(names) == Labels(set.pairs.filter { chosen.contains($0.name) }))
        #expect(set.dropping(names) == Labels(set.pairs.filter { !chosen.contains($0.name) }))
        for name in all { #expect(names.contains(name) == chosen.contains(name)) }
      }
    }
    #expect(labels(["__name__": "x", "a": "1"]).droppingMetricName == labels(["a": "1"]))
    #expect(labels(["a": "1"]).setting("b", "2").setting("a", "") == labels(["b": "2"]))
    #expect(LabelNameSet(["x"]).inserting("a").count == 2 && LabelNameSet([]).isEmpty)
  }

  @Test("two sets are walked side by side in the order of names")
  func merging() {
    let left = labels(["a": "1", "b": "2", "d": "4"])
    let right = labels(["b": "2", "c": "3", "d": "5", "e": "6"])
    var seen: [String] = []
    left.forEachMerged(with: right) { name, one, two in
      let parts = [one, two].map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "-" }
      seen.append(String(decoding: name, as: UTF8.self) + parts[0] + parts[1])
    }
    #expect(seen == ["a1-", "b22", "c-3", "d45", "e-6"])
  }

  @Test("stable hashes differ where the border between name and value differs")
  func stableHash() {
    let sets = [labels(["a": "bc"]), labels(["ab": "c"]), labels(["a": "b", "c": "d"]), labels(["a": "b"]), .empty]
    #expect(Set(sets.map { $0.stableHash }).count == sets.count)
    #expect(labels(["a": "b"]).stableHash == 11_476_786_894_520_603_550)
  }

  @Test("bytes are taken for labels only if they are the packed form, whatever bit is flipped or where they are cut")
  func checking() {
    let good = labels(["a": "1", "bb": String(repeating: "x", count: 300), "c": "3"])
    #expect(good.packed.withUnsafeBytes { Labels(checking: $0) } == good)
    #expect(Labels(checking: UnsafeRawBufferPointer(start: nil, count: 0)) == .empty)
    for length in 0..<good.packed.count {
      let cut = good.packed.prefix(length).withUnsafeBytes { Labels(checking: $0) }
      if let cut { #expect(cut == Labels(cut.pairs)) }
    }
    for index in good.packed.indices {
      for bit in 0..<8 {
        var changed = good.packed
        changed[index] ^= 1 << UInt8(bit)
        // Whatever is accepted is canonical and reads without a trap.
        if let read = changed.withUnsafeBytes({ Labels(checking: $0) }) {
          #expect(read.packed == changed)
          var builder = LabelsBuilder()
          read.forEach { builder.append($0, $1) }
          #expect(builder.labels() == read)
        }
      }
    }
    for bad in [[1], [1, 97], [1, 97, 0], [0, 1, 97], [1, 98, 1, 98, 1, 97, 1, 97], [1, 97, 1, 97, 1, 97, 1, 97]]
      as [[UInt8]]
    {
      #expect(bad.withUnsafeBytes { Labels(checking: $0) } == nil, "\(bad)")
    }
    #expect(([0x81, 0, 97, 1, 98] as [UInt8]).withUnsafeBytes { Labels(checking: $0) } == nil)
  }
}

@Suite struct LabelsBuilderTests {
  @Test("every way to set, replace and remove labels ends in what a dictionary holds")
  func againstDictionary() {
    let seed = RandomSource(for: "label builder").seed
    var generator = SplitMix(state: seed)
    for round in 0..<500 {
      var builder = LabelsBuilder()
      var plain: [String: String] = [:]
      for _ in 0..<Int.random(in: 0...20, using: &generator) {
        let name = "n\(Int.random(in: 0..<8, using: &generator))"
        let value = Int.random(in: 0..<4, using: &generator) == 0 ? "" : "v\(generator.next() % 100)"
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: builder.set(bytes(name), bytes(value))
        case 1:
          builder.remove(name)
          plain[name] = nil
          continue
        case 2:
          builder.removeAll { $0.elementsEqual(bytes(name)) }
          plain[name] = nil
          continue
        case 3: builder = LabelsBuilder(builder.labels())
        default: builder.set(name, value)
        }
        builder.set(name, value)
        plain[name] = value.isEmpty ? nil : value
      }
      let wanted = plain.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      let made = builder.labels().pairs
      #expect(made.map { $0.name } == wanted.map { $0.key }, "seed \(seed) round \(round)")
      #expect(made.map { $0.value } == wanted.map { $0.value }, "seed \(seed) round \(round)")
      #expect(builder.count == plain.count && builder.isEmpty == plain.isEmpty)
      for (name, value) in plain { #expect(builder[name] == value) }
      #expect(builder["absent"] == nil)
      #expect(builder.doubledName() == nil)
      builder.removeAll()
      #expect(builder.labels() == .empty)
    }
  }

  @Test("appended doubles are told, and the last one counts")
  func doubles() {
    var builder = LabelsBuilder()
    for (name, value) in [("b", "1"), ("a", "2"), ("b", "3"), ("c", "")] {
      bytes(name).withUnsafeBytes { name in bytes(value).withUnsafeBytes { builder.append(name, $0) } }
    }
    #expect(builder.doubledName() == "b")
    #expect(builder.labels() == labels(["a": "2", "b": "3"]))
    var order: [String] = []
    builder.forEach { name, value in order.append(String(decoding: name, as: UTF8.self) + "\(value.count)") }
    #expect(order == ["b1", "a1", "b1", "c0"])
  }

  @Test("parts of 127, 128 and 20,000 bytes come back")
  func lengths() {
    for length in [1, 127, 128, 129, 16383, 16384, 20_000] {
      let text = String(repeating: "y", count: length)
      let set = labels([text: text, "z": "1"])
      #expect(set[text] == text && set["z"] == "1" && set.count == 2)
      #expect(set.packed.withUnsafeBytes { Labels(checking: $0) } == set)
    }
  }
}

@Suite struct NameRuleTests {
  @Test("any UTF-8 is a name; the legacy charset is told apart, for each single byte at each place")
  func names() {
    #expect(!LabelName.isValid("") && LabelName.isValid("a.b") && LabelName.isValid("ä"))
    #expect(!([0xff] as [UInt8]).withUnsafeBytes { LabelName.isValid($0) })
    for byte in UInt8(0)..<0x80 {
      let text = String(decoding: [byte], as: UTF8.self)
      let isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
      let isDigit = byte >= 0x30 && byte <= 0x39
      #expect(LabelName.isLegacy(text) == (isLetter || byte == 0x5f))
      #expect(LabelName.isLegacy("a" + text) == (isLetter || isDigit || byte == 0x5f))
      #expect(LabelName.isLegacyMetric(text) == (isLetter || byte == 0x5f || byte == 0x3a))
      #expect(LabelName.isLegacyMetric("a" + text) == (isLetter || isDigit || byte == 0x5f || byte == 0x3a))
    }
    #expect(!LabelName.isLegacy("") && !LabelName.isLegacy("é") && !LabelName.isLegacy("aé"))
  }

  private func isValid(_ bytes: [UInt8]) -> Bool {
    // An allocation of exactly that size, so that the address sanitizer sees a read past the end.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return UTF8Text.isValid(UnsafeRawBufferPointer(copy))
  }

  private func expectAgreement(_ bytes: [UInt8]) -> Bool {
    isValid(bytes) == (String(validating: bytes, as: UTF8.self) != nil)
  }

  @Test(
    "UTF-8 validity is what the standard library says, for all of one and two bytes, and the borders of three and four")
  func validity() {
    let edges: [UInt8] = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    for first in UInt8.min...UInt8.max {
      #expect(expectAgreement([first]))
      for second in UInt8.min...UInt8.max {
        if !expectAgreement([first, second]) { Issue.record("\(first) \(second)") }
        guard first >= 0xe0 else { continue }
        for third in edges {
          if !expectAgreement([first, second, third]) { Issue.record("\(first) \(second) \(third)") }
          guard first >= 0xf0, edges.contains(second) else { continue }
          for fourth in edges {
            if !expectAgreement([first, second, third, fourth]) {
              Issue.record("\(first) \(second) \(third) \(fourth)")
            }
          }
        }
      }
    }
  }

  @Test("one bad byte is found at every place of ASCII of every length up to 40")
  func badByte() {
    for length in 1...40 {
      var text = [UInt8](repeating: 0x61, count: length)
      #expect(isValid(text))
      for index in 0..<length {
        for bad in [0x80, 0xc3, 0xff] as [UInt8] {
          text[index] = bad
          #expect(!isValid(text))
        }
        text[index] = 0x61
        if index + 1 < length {
          text.replaceSubrange(index...(index + 1), with: [0xc3, 0xa9])
          #expect(isValid(text))
          text.replaceSubrange(index...(index + 1), with: [0x61, 0x61])
        }
      }
    }
    #expect(isValid([]))
  }
}
