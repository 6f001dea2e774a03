import Format
import Model
import Testing

@testable import Scrape

/// Labels as exposed, and those that are stored.
@Suite struct SeriesNamingTests {
  private func name(
    _ exposed: [(String, String)], target: [(String, String)] = [("job", "j"), ("instance", "i")],
    _ change: (inout ScrapeOptions) -> Void = { _ in }
  ) throws -> (SeriesNaming.Verdict, Labels) {
    var options = ScrapeOptions()
    change(&options)
    var naming = SeriesNaming(
      options, target: Labels(target.map { (name: $0.0, value: $0.1) }), try Relabelling(options.metricRelabelling))
    naming.begin()
    for (name, value) in exposed { Array(name.utf8).lend { name in Array(value.utf8).lend { naming.add(name, $0) } } }
    var output = ByteBuffer()
    let verdict = naming.name(into: &output)
    var fields = LabelFields()
    let isWellFormed = fields.parse(output.bytes)
    #expect(isWellFormed)
    var labels: [(name: String, value: String)] = []
    for index in 0..<fields.fields.count {
      labels.append(
        (
          String(decoding: fields.name(index, in: output.bytes), as: UTF8.self),
          String(decoding: fields.value(index, in: output.bytes), as: UTF8.self)
        ))
    }
    return (verdict, Labels(labels))
  }

  private func kept(
    _ exposed: [(String, String)], target: [(String, String)] = [("job", "j"), ("instance", "i")], honors: Bool = false
  ) throws -> String {
    let (verdict, labels) = try name([("__name__", "a")] + exposed, target: target) { $0.honorsLabels = honors }
    #expect(verdict == .kept)
    return "\(labels)"
  }

  @Test("an exposed label that the target has too is kept under another name")
  func conflict() throws {
    #expect(
      try kept([("job", "x"), ("y", "z")]) == #"{__name__="a", exported_job="x", instance="i", job="j", y="z"}"#)
    // As often as needed, shorter names first.
    #expect(
      try kept([("exported_job", "e"), ("job", "x")])
        == #"{__name__="a", exported_exported_job="x", exported_job="e", instance="i", job="j"}"#)
    #expect(
      try kept([("exported_foo", "1"), ("foo", "2")], target: [("exported_foo", "t1"), ("foo", "t2")])
        == #"{__name__="a", exported_exported_exported_foo="1", exported_exported_foo="2", exported_foo="t1", foo="t2"}"#
    )
    // Without a value there is no label.
    #expect(try kept([("job", "")]) == #"{__name__="a", instance="i", job="j"}"#)
  }

  @Test("exposed labels win where they are honoured, and an empty one leaves the series without")
  func honoured() throws {
    #expect(try kept([("job", "x")], honors: true) == #"{__name__="a", instance="i", job="x"}"#)
    #expect(try kept([("instance", ""), ("job", "x")], honors: true) == #"{__name__="a", job="x"}"#)
  }

  @Test("rules see the target's labels, and what they drop is dropped")
  func rules() throws {
    let (verdict, _) = try name([("__name__", "a")]) {
      $0.metricRelabelling = [RelabelRule(.drop, of: ["job"], regex: "j")]
    }
    #expect(verdict == .dropped)
    let (all, _) = try name([("__name__", "a")]) { $0.metricRelabelling = [RelabelRule(.labeldrop, regex: ".*")] }
    #expect(all == .dropped)
    let (kept, labels) = try name([("__name__", "a")]) {
      $0.metricRelabelling = [RelabelRule(.replace, of: ["instance"], to: "__tmp_x")]
    }
    #expect(kept == .kept && labels["__tmp_x"] == "i")
  }

  @Test("limits are said in Prometheus's words, cut at fifty characters")
  func limits() throws {
    let long = String(repeating: "é", count: 60)
    let cut = String(repeating: "é", count: 50)
    let exposed = [("__name__", long), ("x", "1")]
    #expect(
      try name(exposed) { $0.labelsMax = 3 }.0
        == .overLimit("label_limit exceeded (metric: \(cut), number of labels: 4, limit: 3)"))
    #expect(try name(exposed) { $0.labelsMax = 4 }.0 == .kept)
    #expect(
      try name([("__name__", "a"), (long, "1")]) { $0.labelNameBytesMax = 100 }.0
        == .overLimit("label_name_length_limit exceeded (metric: a, label name: \(cut), length: 120, limit: 100)"))
    #expect(
      try name([("__name__", "a"), ("x", "\"" + long)]) { $0.labelValueBytesMax = 100 }.0
        == .overLimit(
          "label_value_length_limit exceeded (metric: a, label name: x, value: \"\\\"\(cut.dropLast())\", "
            + "length: 121, limit: 100)"))
    #expect(try name([("__name__", "a"), ("x", String(long.dropLast(10)))]) { $0.labelValueBytesMax = 100 }.0 == .kept)
  }

  @Test("names are checked behind the rules, under either scheme")
  func names() throws {
    #expect(try name([("__name__", "ü.b"), ("x y", "1")]).0 == .kept)
    #expect(
      try name([("__name__", "a.b"), ("x", "1")]) { $0.nameScheme = .legacy }.0
        == .fault(#"invalid metric name or label names: {__name__="a.b", instance="i", job="j", x="1"}"#))
    #expect(
      try name([("__name__", "a:b"), ("x.y", "1")]) { $0.nameScheme = .legacy }.0
        == .fault(#"invalid metric name or label names: {__name__="a:b", instance="i", job="j", "x.y"="1"}"#))
    #expect(try name([("x", "1")]).0 == .fault("missing metric name (__name__ label)"))
    #expect(
      try name([("__name__", "a"), ("x", "1"), ("x", "2")]).0
        == .fault(#"label name "x" is not unique: invalid sample"#))
  }
}
