import Model
import Testing

@testable import PromQL

@Suite("the notation of series") struct SeriesNotationTests {
  /// The samples of a series as text: `_` is a gap.
  private func samples(_ text: String, most: Int = 20) throws -> [String] {
    var cursor = SeriesNotation.Cursor(try SeriesNotation.parse(text))
    var samples: [String] = []
    while samples.count < most, let sample = cursor.take() {
      switch sample {
      case nil: samples.append("_")
      case .float(let value): samples.append(StaleMarker.isStale(value) ? "stale" : FloatText.general(value))
      case .histogram(let histogram): samples.append(SeriesNotation.text(histogram) ?? "")
      }
    }
    return samples
  }

  private func refusal(_ text: String) -> String {
    do throws(ParseError) {
      _ = try SeriesNotation.parse(text)
      return ""
    } catch { return error.message }
  }

  @Test(
    "values, repetitions and steps stand for these samples",
    arguments: [
      ("a 1 2 3", ["1", "2", "3"]), ("a", []), ("a  ", []), ("a 1x3", ["1", "1", "1", "1"]), ("a 1x0", ["1"]),
      ("a 1+1x3", ["1", "2", "3", "4"]), ("a -1-1x2", ["-1", "-2", "-3"]), ("a +1+2x1", ["1", "3"]),
      ("a _ 1 _x2 2 _x0 3", ["_", "1", "_", "_", "2", "3"]), ("a stale 1", ["stale", "1"]),
      ("a Inf -inf nan", ["+Inf", "-Inf", "NaN"]), ("a 0x10", Array(repeating: "0", count: 11)), ("a 010", ["8"]),
      ("a 1e3 .5 5. 1_000", ["1000", "0.5", "5", "1000"]), ("a 1e+06", ["1e+06"]), ("a\t1\n2", ["1", "2"]),
      ("a 1 +2x1", ["1", "2", "2"]), ("{} 1", ["1"]), ("a{b=\"c\"}", []),
      ("a 0.1+0.1x2", ["0.1", "0.2", "0.30000000000000004"]),
      ("a {{}}", ["{{}}"]), ("a {{ }}", ["{{}}"]),
      ("a {{sum:3 count:2 buckets:[2]}}x1", ["{{count:2 sum:3 buckets:[2]}}", "{{count:2 sum:3 buckets:[2]}}"]),
      (
        "a {{sum:3 count:2 buckets:[2]}}+{{sum:1 count:1 buckets:[1]}}x1",
        ["{{count:2 sum:3 buckets:[2]}}", "{{count:3 sum:4 buckets:[3]}}"]
      ),
      (
        "a {{sum:3 count:2 buckets:[2]}}-{{sum:1 count:1 buckets:[1]}}x1 _",
        ["{{count:2 sum:3 buckets:[2]}}", "{{count:1 sum:2 buckets:[1]}}", "_"]
      ),
      (
        "a {{SCHEMA:-53 custom_values:[1 2 ] buckets:[0 1 0 2] Offset:1 counter_reset_hint:Gauge }}",
        ["{{schema:-53 custom_values:[1 2] counter_reset_hint:gauge offset:2 buckets:[1 0 2]}}"]
      ),
      (
        "a {{schema:1 sum:-0.3 count:NaN z_bucket:7 z_bucket_w:0.05 n_buckets:[-4.1 Inf] n_offset:-5}}",
        ["{{schema:1 count:NaN sum:-0.3 z_bucket:7 z_bucket_w:0.05 n_offset:-5 n_buckets:[-4.1 +Inf]}}"]
      ),
    ])
  func values(text: String, wanted: [String]) throws { #expect(try samples(text) == wanted) }

  @Test(
    "labels stand in front, with the name inside or outside of the braces",
    arguments: [
      ("a{b=\"c\",} 1", ["__name__=a", "b=c"]), ("{\"a\", b='c'}", ["__name__=a", "b=c"]),
      ("a:b{} 1", ["__name__=a:b"]),
      ("sum{\"x y\"=`z`} 1", ["__name__=sum", "x y=z"]), ("fill 1", ["__name__=fill"]), ("a{b=\"\"} 1", ["__name__=a"]),
      ("and 1", ["__name__=and"]), (" 1", []), ("", []),
    ])
  func labels(text: String, wanted: [String]) throws {
    let labels = try SeriesNotation.parse(text).labels
    #expect(labels.pairs.map { "\($0.name)=\($0.value)" } == wanted)
  }

  @Test(
    "what is not in the notation is refused, in Prometheus's words",
    arguments: [
      ("a{b=\"c\"}1", "unexpected number \"1\" in series values"), ("a 1x", "unexpected end of input in series values"),
      ("a 1x1.5", "invalid repetition in series values: strconv.ParseUint: parsing \"1.5\": invalid syntax"),
      ("a 1+2", "unexpected end of input in series values"), ("a --1", "unexpected <op:-> in series values"),
      ("a stalex2", "unexpected identifier \"stalex2\" in series values, expected number or \"stale\""),
      ("a on", "unexpected <on> in series values"), ("a 5m", "bad number syntax: \"5\""),
      ("a 1,2", "unexpected character in series sequence: ','"),
      ("a{b=c} 1", "unexpected identifier \"c\" in label set, expected string"),
      ("a{b} 1", "unexpected \"}\" in label set, expected \"=\""),
      ("a{,} 1", "unexpected \",\" in label set, expected identifier or \"}\""),
      ("a{b=\"c\" d=\"e\"} 1", "unexpected identifier \"d\" in label set, expected \",\" or \"}\""),
      ("a{b=\"c\",b=\"d\"} 1", "label name \"b\" is not unique"),
      ("a {b=\"c\"} 1", "unexpected character in series sequence: '{'"),
      ("a {{foo:1}}", "bad histogram descriptor found: \"foo\""),
      ("a {{sum:1 sum:2}}", "duplicate key \"sum\" in histogram"),
      ("a {{sum}}", "missing `:` for histogram descriptor"),
      ("a {{buckets:[1,2]}}", "invalid character in buckets description: ','"),
      ("a {{sum:3}}+{{sum:1}}", "unexpected end of input in series values"),
      ("a {{schema:2}}+{{schema:1}}x1", "error combining histograms: cannot merge from schema 1 to 2"),
      ("a {{schema:1}}+{{schema:-53}}x1", "error combining histograms: cannot merge from schema -53 to 1"),
      (
        "a {{schema:-2147483648}}+{{schema:2147483647}}x2",
        "error combining histograms: histogram has an invalid schema, -2147483648"
      ),
      (
        "a {{schema:1}}+{{schema:9 buckets:[1]}}x2",
        "error combining histograms: histogram has an invalid schema, 9"
      ),
      (
        "a {{schema:-53}}+{{schema:1}}x1",
        "cannot apply this operation on histograms with a mix of exponential and custom bucket schemas"
      ),
    ])
  func refusals(text: String, wanted: String) { #expect(refusal(text) == wanted) }

  @Test("a repetition takes no memory for its samples, and the largest ones are refused") func repetitions() throws {
    let series = try SeriesNotation.parse("a 1+1x1000000000 _x5")
    #expect(series.count == 1_000_000_006 && series.runs.count == 2)
    #expect(try samples("a 1+1x1000000000", most: 3) == ["1", "2", "3"])
    #expect(refusal("a 1x9999999999999").contains("more than"))
    #expect(refusal("a 1x99999999999999999999").contains("value out of range"))
    #expect(refusal("a " + String(repeating: "1 ", count: SeriesNotation.textBytesMaximum / 2)).contains("bytes long"))
  }

  @Test("buckets at the ends of all places are added as any others") func farthestBuckets() throws {
    let ends = "buckets:[1 1] offset:-2147483648 n_buckets:[1] n_offset:2147483647"
    let series = try SeriesNotation.parse("a {{schema:0 z_bucket_w:1 \(ends)}}+{{schema:1 z_bucket_w:2 \(ends)}}x2")
    var cursor = SeriesNotation.Cursor(series)
    var count = 0
    while cursor.take() != nil { count += 1 }
    #expect(count == 3)
  }

  @Test("a histogram whose buckets lie far apart has no text") func farBuckets() {
    var histogram = Histogram()
    histogram.positiveSpans = [BucketSpan(offset: 0, length: 1), BucketSpan(offset: 1 << 30, length: 1)]
    histogram.positiveBuckets = [1, 1]
    #expect(SeriesNotation.text(histogram) == nil)
  }

  @Test("a metric alone is read with blanks around its braces") func metric() throws {
    #expect(try SeriesNotation.parseMetric(" a {b=\"c\"} ") == Labels([("__name__", "a"), ("b", "c")]))
    #expect(try SeriesNotation.parseMetric("") == .empty)
    #expect(throws: ParseError.self) { try SeriesNotation.parseMetric("a 1") }
    #expect(throws: ParseError.self) { try SeriesNotation.parseMetric("1") }
  }

  @Test("the series of our own scripts stand for the samples that their runner reads") func scripts() throws {
    var count = 0
    for name in ScriptFolder.names(in: ScriptFolder.own) {
      var isLoad = false
      for line in try ScriptFolder.text(name, in: ScriptFolder.own).split(separator: "\n").map(String.init) {
        if !line.hasPrefix(" ") {
          isLoad = line.hasPrefix("load ")
          continue
        }
        guard isLoad, !line.trimmed().hasPrefix("#"), !line.contains("@st") else { continue }
        let wanted = try ScriptSeries(line)
        let series = try SeriesNotation.parse(line.trimmed())
        #expect(series.labels == wanted.labels && series.count == wanted.points.count, "\(name): \(line)")
        var cursor = SeriesNotation.Cursor(series)
        for point in wanted.points.prefix(2000) {
          let sample = cursor.take()
          switch (point, sample) {
          case (.gap, .some(nil)): continue
          case (.float(let one), .some(.some(.float(let two)))): #expect(one.bitPattern == two.bitPattern, "\(line)")
          case (.histogram(let one, _), .some(.some(.histogram(let two)))):
            #expect(one.isEqual(to: two) && one.hint == two.hint, "\(line)")
          default: Issue.record("\(name): \(line): \(point) is \(String(describing: sample))")
          }
        }
        count += 1
      }
    }
    #expect(count > 100, "\(count) series")
  }
}
