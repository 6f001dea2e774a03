import Format
import Model

/// Numbers into text, and texts against expressions.
func textLoops(_ columns: MicroColumns, pods: Int) throws -> [MicroLoop] {
  let whole = columns.values.indices.filter { columns.workload.kind(of: $0) == .counter }.flatMap { columns.values[$0] }
  // What a rate gives: seldom a number of few digits.
  let fractions = whole.map { $0 / 7 }
  let decimals = columns.values.indices.filter { columns.workload.kind(of: $0) == .decimalGauge }
    .flatMap { columns.values[$0] }
  let names = (0..<pods).map { pod in
    columns.workload.podLabels(pod, generation: 0).first { $0.0 == "pod" }.map { Array($0.1.utf8) } ?? []
  }
  return try [
    floatLoop("JSON float, whole numbers", whole), floatLoop("JSON float, two decimals", decimals),
    floatLoop("JSON float, all digits", fractions),
    regexLoop("regex, alternation of names", "checkout-.*|search-.*|cart-.*", names),
    regexLoop("regex, part of a name", ".*-api-.*", names),
    regexLoop("regex, without a shape (RE2)", "[a-z-]+-[0-9a-f]{10}-[0-9a-f]*7[0-9a-f]*", names),
  ]
}

private func floatLoop(_ name: String, _ values: [Double]) -> MicroLoop {
  MicroLoop(name: name, item: "number", items: values.count) {
    var json = JSONBuffer()
    var hash: UInt64 = 0
    for value in values {
      json.value(value)
      if json.bytes.count > 60_000 {
        mix(digest(of: json.bytes), into: &hash)
        json.removeAll()
      }
    }
    mix(digest(of: json.bytes), into: &hash)
    return hash
  }
}

private func regexLoop(_ name: String, _ pattern: String, _ texts: [[UInt8]]) throws -> MicroLoop {
  let matcher = try RegexMatcher(pattern)
  return MicroLoop(name: name, item: "text", items: texts.count) {
    var hash: UInt64 = 0
    for (index, text) in texts.enumerated() where text.withUnsafeBytes({ matcher.matches($0) }) {
      mix(UInt64(index), into: &hash)
    }
    return hash
  }
}
