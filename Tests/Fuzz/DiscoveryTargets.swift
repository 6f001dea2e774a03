import Model
import Platform

@testable import Discovery

// What servers and files say of targets.
extension FuzzTarget {
  static let discovery = [
    // Two bytes of what is read in front: the number of the question, which the answer repeats.
    FuzzTarget(name: "dns-answer", seeds: { DNSSeeds.answers }) { bytes in
      let answer = Array(bytes)
      let id = answer.count < 2 ? 0 : UInt16(answer[0]) << 8 | UInt16(answer[1])
      for type in DNSDiscoveryOptions.RecordType.allCases {
        guard let response = try? DNSMessage.response(answer, to: DNSSeeds.name, type, id: id) else { continue }
        precondition(response.records.count * 11 <= answer.count, "more records than bytes")
      }
      var reader = DNSReader(answer)
      if let name = try? reader.name() {
        let text = DNSName.text(name)
        precondition(DNSName.wire(text) == name, "a name does not come back")
      }
      let text = String(decoding: bytes, as: UTF8.self)
      if let wire = DNSName.wire(text) { precondition(DNSName.wire(DNSName.text(wire)) == wire, "nor does \(text)") }
      let configuration = ResolverConfiguration(text)
      precondition(configuration.candidates("a.b").count <= ResolverConfiguration.domainsMax + 1)
    },
    // Both forms; what is refused is refused as a whole.
    FuzzTarget(
      name: "target-list",
      seeds: {
        [
          "[{\"targets\":[\"a:1\",null],\"labels\":{\"b\":\"c\"}},{}]",
          "- targets: [a, 'b:1']\n  labels: {c: 1, d: ~}\n- {}\n",
          "[null]", "*a?[b-c]\\",
        ].map { Array($0.utf8) }
      }
    ) { bytes in
      let bytes = Array(bytes)
      for format in [TargetDocument.Format.json, .yaml] {
        guard let groups = try? TargetDocument.read(bytes, format) else { continue }
        for (place, group) in groups.enumerated() {
          precondition(group.source == String(place), "a group has another's place")
          _ = group.labels.pairs
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      _ = try? PathPattern.matches("targets.yml", text)
      _ = try? PathPattern.matches(text, "*a*?b[^c]*")
      precondition(PathPattern.clean(PathPattern.clean(text)) == PathPattern.clean(text), "clean is not clean")
    },
  ]
}

private enum DNSSeeds {
  static let name = DNSName.wire("a.b.") ?? []

  /// An answer to each type of question, a denial, one that points at itself.
  static var answers: [[UInt8]] {
    let data: [(DNSDiscoveryOptions.RecordType, [UInt8])] = [
      (.a, [10, 0, 0, 1]), (.aaaa, [UInt8](repeating: 1, count: 16)), (.mx, [0, 1, 1, 0x78, 0]), (.ns, [0xc0, 12]),
      (.srv, [0, 1, 0, 2, 0, 80, 1, 0x79, 0xc0, 12]),
    ]
    let whole = data.map { type, data in
      let number = UInt8(DNSMessage.number(of: type))
      return [0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 1] + name + [0, number, 0, 1]
        + [0xc0, 12, 0, number, 0, 1, 0, 0, 0, 9, 0, UInt8(data.count)] + data + [0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]
    }
    return whole + [
      [0, 1, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 1, 0, 1], [0xc0, 0], Array("search a b\n".utf8),
    ]
  }
}
