import Model

@testable import Format

// What targets answer, in all formats.
extension FuzzTarget {
  static let exposition = [
    FuzzTarget(name: "exposition-text", seeds: { expositions(ending: "") }) { compareReadings($0, .text) },
    FuzzTarget(name: "exposition-openmetrics", seeds: { expositions(ending: "# EOF\n") }) {
      compareReadings($0, .openMetrics)
    },
    // What stands inside the braces: labels that are read come back when they are written.
    FuzzTarget(
      name: "exposition-labels",
      seeds: {
        texts("b=\"c\",\"d e\"=\"f\\\\\\\"\\n\"", "le=\"1\"", "\"x\",a=\"\"", "b = \"c\" d=\"\"", "le=\"0x1p-2\"")
      }
    ) { bytes in
      for format in [ExpositionFormat.text, .openMetrics] { checkLabels(Array(bytes), format) }
    },
    FuzzTarget(name: "exposition-protobuf", seeds: { families }) { scanFamilies($0) },
  ]

  private static func expositions(ending: String) -> [[UInt8]] {
    let usual = "requests_total{code=\"200\",path=\"/a/b\"} 12345\nduration_seconds{le=\"0.5\"} 1.5e-05 1700000000123\n"
    let histogram =
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2 # {a=\"b\"} 1 1\nh_sum 1.5\nh_count 2\nx 1\n"
    let odd = "# HELP a b\\n\n# TYPE a gauge\n# UNIT a_s s\na NaN\n{\"b c\",d=\"e\\\\\\\"}\"} -Inf\na{b=\"\\\\\"} 1\n"
    return texts(
      usual + usual + usual + ending, histogram + ending, odd + usual + usual + ending, "a\t{b = \"c\" d=\"e\"} 5\n")
  }

  /// Reads a text with the search for usual lines and without, which has to come to the same, and converts it.
  private static func compareReadings(_ bytes: UnsafeRawBufferPointer, _ format: ExpositionFormat) {
    let body = LentBytes(bytes)
    var quick = ExpositionScanner(body, format)
    var slow = ExpositionScanner(body, format)
    slow.findsLines = false
    var labels = ExpositionLabels()
    var others = ExpositionLabels()
    var entries = 0
    while true {
      let (one, two) = (step(&quick, &labels), step(&slow, &others))
      precondition(one == two, "two readings differ")
      entries += 1
      precondition(entries <= bytes.count + 2, "more entries than bytes")
      guard case .success(let entry) = one else {
        quick.skipLine()
        slow.skipLine()
        continue
      }
      if entry == .end { break }
      precondition(
        quick.line() == slow.line() && quick.kind == slow.kind && quick.exemplar == slow.exemplar, "two entries differ")
      guard entry == .series else { continue }
      precondition(
        quick.series == slow.series && quick.value.bitPattern == slow.value.bitPattern && quick.time == slow.time
          && labels.labels() == others.labels(), "two samples differ")
    }
    // One of the two ways for each input, which takes less time.
    convert(body, format, keepsClassic: bytes.count % 2 == 0, entriesMax: entries)
  }

  private static func step(
    _ scanner: inout ExpositionScanner, _ labels: inout ExpositionLabels
  ) -> Result<ExpositionScanner.Entry, ExpositionError> {
    do throws(ExpositionError) {
      let entry = try scanner.next()
      if entry == .series { try scanner.readLabels(&labels) }
      return .success(entry)
    } catch {
      return .failure(error)
    }
  }

  private static func convert(
    _ body: LentBytes, _ format: ExpositionFormat, keepsClassic: Bool, entriesMax: Int
  ) {
    var scanner = ConvertingScanner(body, format, keepsClassic: keepsClassic)
    var labels = ExpositionLabels()
    var entries = 0
    while true {
      do throws(ExpositionError) {
        let entry = try scanner.next()
        if entry == .end { break }
        if entry == .series || entry == .histogram { try scanner.readLabels(&labels) }
        while scanner.nextExemplar() != nil { scanner.readExemplarLabels(&labels) }
        guard entry == .histogram else { continue }
        let message = scanner.histogram
        precondition(
          HistogramValidation.fault(message.histogram, isFloat: message.isFloat) == nil, "a histogram is not valid")
      } catch {
        scanner.skipLine()
      }
      entries += 1
      precondition(entries <= 2 * entriesMax, "more entries than without conversion")
    }
  }

  private static func checkLabels(_ inside: [UInt8], _ format: ExpositionFormat) {
    let text = Array("# TYPE a histogram\na{".utf8) + inside + Array("} 1\n# EOF\n".utf8)
    var labels = ExpositionLabels()
    guard let read = text.lend({ first($0, format, &labels) }) else { return }
    var written = Array("# TYPE a histogram\n{".utf8)
    labels.forEach { name, value in
      // The name of the metric stands alone.
      let isMetric = name.elementsEqual(LabelName.metric.utf8)
      if !isMetric { written += quoted(name) + [UInt8(ascii: "=")] }
      written += quoted(value) + [UInt8(ascii: ",")]
    }
    written += Array("} 1\n# EOF\n".utf8)
    guard !inside.contains(0) else { return }
    let again = written.lend { first($0, format, &labels) }
    precondition(again == nil || again == read, "labels do not come back")
  }

  private static func first(
    _ text: LentBytes, _ format: ExpositionFormat, _ labels: inout ExpositionLabels
  ) -> Labels? {
    var scanner = ExpositionScanner(text, format)
    guard (try? scanner.nextSample(&labels)) == true else { return nil }
    return labels.labels()
  }

  private static func quoted(_ text: LentBytes) -> [UInt8] {
    var result = [UInt8(ascii: "\"")]
    for byte in text {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "\n"): result += Array("\\n".utf8)
      default: result.append(byte)
      }
    }
    return result + [UInt8(ascii: "\"")]
  }

  // MARK: Protobuf

  /// A byte that chooses, then families: a counter with an exemplar, a summary, a classic and a native histogram.
  private static let families: [[UInt8]] = [
    [0, 19, 0x0a, 1, 0x63, 0x18, 0, 0x22, 12, 0x0a, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62, 0x1a, 2, 0x12, 0],
    [2, 28, 0x0a, 1, 0x73, 0x18, 2, 0x22, 21, 0x22, 19, 8, 1, 0x1a, 15, 9, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]
      + [0x11, 0, 0, 0, 0, 0],
    [6, 25, 0x0a, 1, 0x68, 0x18, 4, 0x22, 18, 0x3a, 16, 8, 2, 0x1a, 12, 8, 1, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
      + [0x82],
    [7, 25, 0x0a, 1, 0x68, 0x18, 4, 0x22, 18, 0x3a, 16, 8, 3, 0x28, 2, 0x38, 1, 0x62, 4, 8, 1, 0x10, 2, 0x6a, 2, 2]
      + [0],
  ]

  private static func scanFamilies(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let choice = HistogramChoice(
      storesNative: first & 1 != 0, alwaysStoresClassic: first & 2 != 0, convertsClassic: first & 4 != 0)
    let body = LentBytes(bytes).part(from: 1)
    var scanner = MetricFamilyScanner(body, choice, key: KeyedHash(key: (1, 2)))
    var labels = ExpositionLabels()
    var steps = 0
    while true {
      steps += 1
      precondition(steps <= 8 * bytes.count + 8, "more entries than bytes can tell of")
      do throws(ExpositionError) {
        let entry = try scanner.next()
        if entry == .end { return }
        guard entry == .series || entry == .histogram else { continue }
        precondition(scanner.identity.count <= 32, "an identity is long")
        while try scanner.nextExemplar() != nil { try scanner.readExemplarLabels(&labels) }
        if entry == .histogram {
          let message = scanner.histogram
          _ = HistogramValidation.fault(message.histogram, isFloat: message.isFloat)
        }
        try scanner.readLabels(&labels)
        precondition(labels.count >= 1, "a series without a name")
      } catch {
        precondition(!error.problem.isEmpty)
      }
    }
  }
}
