import Model
import Format
import TestKit
import Testing

@Suite struct OTLPTests {
  static let time: Int64 = 1_700_000_000_000

  /// A push with everything in it.
  static var whole: OTLPMessage {
    let values: [OTLPMessage] = [
      OTLPBody.attribute("text", (1, "stringValue", .text("ä\"b\\"))),
      OTLPBody.attribute("yes", (2, "boolValue", .bool(true))),
      OTLPBody.attribute("many", (3, "intValue", .integer(.min))),
      OTLPBody.attribute("part", (4, "doubleValue", .double(0.1))),
      OTLPBody.attribute(
        "list",
        (
          5, "arrayValue",
          .message(
            OTLPMessage(
              (
                1, "values",
                .list([OTLPMessage((3, "intValue", .integer(1))), OTLPMessage((1, "stringValue", .text("x")))])
              )))
        )),
      OTLPBody.attribute(
        "map", (6, "kvlistValue", .message(OTLPMessage((1, "values", .list(OTLPBody.attributes(["a": "b"]))))))),
    ]
    return OTLPBody.request(
      resource: OTLPBody.attributes(["service.name": "s", "host": "h"]),
      [
        OTLPBody.metric(
          "gauge", unit: "By", help: "How much.", .gauge,
          [OTLPBody.number(-0.5, at: time, values), OTLPBody.integer(-7, at: time)]),
        OTLPBody.metric(
          "sum", .sum(isMonotonic: true),
          [
            OTLPBody.number(
              .infinity, at: time, flags: 1,
              more: OTLPBody.exemplar(2, at: time, trace: [0xab] + [UInt8](repeating: 1, count: 15)))
          ]),
        OTLPBody.metric("delta", .sum(isMonotonic: false), temporality: 1, [OTLPBody.number(1e300, at: time)]),
        OTLPBody.metric(
          "histogram", .histogram,
          [
            OTLPBody.histogram(at: time, count: 6, sum: 12.5, buckets: [1, 2, 3], bounds: [0.5, 1]),
            OTLPBody.histogram(at: time, count: .max, sum: nil, buckets: [.max], bounds: []),
          ]),
        OTLPBody.metric(
          "exponential", .exponential,
          [
            OTLPBody.exponential(
              at: time, count: 9, sum: 1, scale: -3, zero: 2, positive: (-5, [1, 0, 300]), negative: (.max, [4]))
          ]),
        OTLPBody.metric(
          "summary", .summary, [OTLPBody.summary(at: time, count: 2, sum: 3, [(0.5, 1), (0.99, .nan)])]),
      ])
  }

  private func read(protobuf bytes: [UInt8]) -> OTLPRequest? {
    bytes.withUnsafeBytes { bytes in
      do throws(OTLPError) { return try OTLPRequest(protobuf: bytes) } catch { return nil }
    }
  }

  private func read(json text: String) -> OTLPRequest? {
    Array(text.utf8).withUnsafeBytes { bytes in
      do throws(OTLPError) { return try OTLPRequest(json: LentBytes(bytes)) } catch { return nil }
    }
  }

  @Test("both encodings of a push are read as the same")
  func bothEncodings() throws {
    let one = try #require(read(protobuf: Self.whole.protobuf))
    let other = try #require(read(json: Self.whole.json))
    // A NaN is not equal to itself, so texts are compared.
    #expect("\(one)" == "\(other)")
    let metrics = try #require(one.resources.first?.scopes.first?.metrics)
    #expect(metrics.map(\.name) == ["gauge", "sum", "delta", "histogram", "exponential", "summary"])
    guard case .gauge(let points) = metrics[0].points, case .exponential(let native, .cumulative) = metrics[4].points
    else {
      Issue.record("\(metrics)")
      return
    }
    #expect(points.map(\.value) == [-0.5, -7])
    #expect(points[0].base.attributes[2] == OTLPAttribute("many", .integer(.min)))
    #expect(points[0].base.attributes[5] == OTLPAttribute("map", .map([OTLPAttribute("a", .string("b"))])))
    #expect(native[0].scale == -3 && native[0].positive.counts == [1, 0, 300] && native[0].negative.offset == .max)
  }

  @Test("nesting that would overflow the stack is refused in both encodings")
  func deep() {
    for depth in [10, 1000, 100_000] {
      // An array in an array in an array ...
      var value: [UInt8] = []
      for _ in 0..<depth {
        var array: [UInt8] = []
        ProtobufBytes.append(bytes: value, field: 1, to: &array)
        value = []
        ProtobufBytes.append(bytes: array, field: 5, to: &value)
        if value.count > 1 << 20 { break }
      }
      var body = value
      for field in [2, 1, 1, 1] as [UInt64] {
        var outer: [UInt8] = []
        ProtobufBytes.append(bytes: body, field: field, to: &outer)
        body = outer
      }
      #expect((read(protobuf: body) != nil) == (depth == 10), "\(depth)")
    }
    let arrays = String(repeating: #"{"arrayValue":{"values":["#, count: 5000)
    #expect(read(json: #"{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":"# + arrays) == nil)
  }

  @Test("what would take far more memory than it is long is refused before it is unpacked")
  func large() {
    // Two bytes of an empty metric become hundreds.
    let metrics = [UInt8](repeating: 0, count: 6 << 20).enumerated().map { $0.offset % 2 == 0 ? UInt8(0x12) : 0 }
    var body = metrics
    for field in [2, 1] as [UInt64] {
      var outer: [UInt8] = []
      ProtobufBytes.append(bytes: body, field: field, to: &outer)
      body = outer
    }
    #expect(read(protobuf: body) == nil)
    #expect(read(json: "{\"x\":[" + String(repeating: "0,", count: OTLPRequest.jsonValuesMax) + "0]}") == nil)
  }

  @Test("damaged pushes are refused or read, and end neither the process nor the test")
  func damaged() {
    var maker = RequestMaker(random: RandomSource(for: "damaged pushes"))
    let protobuf = Self.whole.protobuf
    let json = Array(Self.whole.json.utf8)
    var counts = [0, 0, 0, 0]
    for _ in 0..<4000 {
      counts[read(protobuf: maker.damaged(protobuf)) == nil ? 0 : 1] += 1
      let text = maker.damaged(json)
      counts[text.lend { (try? OTLPRequest(json: $0)) == nil } ? 2 : 3] += 1
    }
    for length in 0..<protobuf.count { _ = read(protobuf: Array(protobuf.prefix(length))) }
    for length in 0..<json.count {
      #expect(Array(json.prefix(length)).lend { (try? OTLPRequest(json: $0)) == nil })
    }
    #expect(counts.allSatisfy { $0 > 50 }, "\(counts)")
  }

  @Test("numbers in JSON may be texts, and the other way round; what is neither is refused")
  func jsonNumbers() {
    func point(_ value: String) -> OTLPNumberPoint? {
      let text = """
        {"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{\(value)}]}}]}]}]}
        """
      guard case .gauge(let points) = read(json: text)?.resources.first?.scopes.first?.metrics.first?.points else {
        return nil
      }
      return points.first
    }
    #expect(point(#""asInt":"12""#)?.value == 12 && point(#""asInt":12"#)?.value == 12)
    #expect(point(#""asDouble":"1.5""#)?.value == 1.5 && point(#""asDouble":"-Infinity""#)?.value == -.infinity)
    #expect(point(#""asDouble":3,"timeUnixNano":"18446744073709551615""#)?.base.time == .max)
    #expect(point(#""timeUnixNano":1.7e18"#)?.base.time == 1_700_000_000_000_000_000)
    for wrong in [
      #""asInt":"x""#, #""asInt":1.5"#, #""asDouble":true"#, #""flags":-1"#, #""attributes":{}"#, #""attributes":[1]"#,
    ] {
      #expect(point(wrong) == nil, "\(wrong)")
    }
    for text in ["", "[]", "1", "{\"resourceMetrics\":{}}", "{} {}"] { #expect(read(json: text) == nil) }
    #expect(read(json: "{}") == OTLPRequest() && read(protobuf: []) == OTLPRequest())
  }

  @Test("base64 comes back, and what is none is refused")
  func base64() {
    var random = RandomSource(seed: 9)
    for count in 0..<50 {
      let bytes = random.bytes(count)
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
    #expect(Base64.encode(Array("foob".utf8)) == "Zm9vYg==" && Base64.decode("Zm9vYg") == Array("foob".utf8))
    for wrong in ["Z", "Zm9v=", "Zm9vY===", "Zm 9", "Zm9vY=g="] { #expect(Base64.decode(wrong) == nil, "\(wrong)") }
  }
}
