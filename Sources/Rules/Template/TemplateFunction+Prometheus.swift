import Format
import Model
import PromQL

// The functions that Prometheus gives to the templates of alerts.
extension TemplateFunction {
  static let ofPrometheus: [String: TemplateFunction] = ofSamples.merging(ofTexts) { one, _ in one }
    .merging(ofNumbers) { one, _ in one }

  private static let ofSamples: [String: TemplateFunction] = [
    "query": TemplateFunction(TemplateParameters(.text)) { (state, values) throws(TemplateCallError) in
      let outcome: Result<[VectorSample], QueryError>
      do throws(TemplateError) { outcome = try state.ask(values[0].bytes) } catch { throw .stopped(error) }
      switch outcome {
      case .success(let samples): return .samples(samples)
      case .failure(let error): throw .failed(error.description)
      }
    },
    "first": TemplateFunction(TemplateParameters(.samples)) { (_, values) throws(TemplateCallError) in
      if case .samples(let samples) = values[0], let first = samples.first { return .sample(first) }
      throw .failed("first() called on vector with no elements")
    },
    "value": ofSample { TemplateValue($0.value) },
    "strvalue": ofSample { .text($0.labels.bytes(of: "__value__")) },
    "label": TemplateFunction(TemplateParameters(.text, .sample)) { (_, values) throws(TemplateCallError) in
      guard case .sample(let sample) = values[1] else { throw .failed(nilPointer) }
      return .text(sample.labels.bytes(of: String(decoding: values[0].bytes, as: UTF8.self)))
    },
    "sortByLabel": TemplateFunction(TemplateParameters(.text, .samples)) { _, values in
      guard case .samples(let samples) = values[1] else { return values[1] }
      let name = String(decoding: values[0].bytes, as: UTF8.self)
      // Stable, as equal ones keep their places.
      let keyed = samples.enumerated().map { (key: $0.element.labels.bytes(of: name), place: $0.offset) }
      let sorted = keyed.sorted { one, two in
        one.key == two.key ? one.place < two.place : one.key.lexicographicallyPrecedes(two.key)
      }
      return .samples(sorted.map { samples[$0.place] })
    },
    "args": TemplateFunction(TemplateParameters(rest: .any)) { (state, values) throws(TemplateCallError) in
      try state.room(values.reduce(0) { $0 + $1.byteCount })
      return .arguments(values)
    },
  ]

  private static let nilPointer = "runtime error: invalid memory address or nil pointer dereference"

  private static func ofSample(_ part: @escaping @Sendable (VectorSample) -> TemplateValue) -> TemplateFunction {
    TemplateFunction(TemplateParameters(.sample)) { (_, values) throws(TemplateCallError) in
      guard case .sample(let sample) = values[0] else { throw .failed(nilPointer) }
      return part(sample)
    }
  }

  private static let ofTexts: [String: TemplateFunction] = [
    "title": TemplateFunction(text: TemplateText.title),
    "toUpper": TemplateFunction(text: LetterCase.uppercased),
    "toLower": TemplateFunction(text: LetterCase.lowercased),
    "stripPort": TemplateFunction(text: HostPortText.withoutPort),
    "stripDomain": TemplateFunction(text: HostPortText.withoutDomain),
    "safeHtml": TemplateFunction(TemplateParameters(.text)) { _, values in .html(values[0].bytes) },
    "urlQueryEscape": TemplateFunction(text: { Array(PercentText.encodeForm(String(decoding: $0, as: UTF8.self)).utf8) }
    ),
    "graphLink": TemplateFunction(text: { TemplateText.link($0, tab: 0) }),
    "tableLink": TemplateFunction(text: { TemplateText.link($0, tab: 1) }),
    "externalURL": TemplateFunction(TemplateParameters()) { state, _ in TemplateValue(state.context.externalURL) },
    "pathPrefix": TemplateFunction(TemplateParameters()) { state, _ in
      .text(TemplateText.path(ofURL: state.context.externalURL))
    },
    "match": TemplateFunction(TemplateParameters(.text, .text)) { (state, values) throws(TemplateCallError) in
      let regex = try state.regex(values[0].bytes) { $0.description }
      return .bool(regex.firstMatch(in: values[1].bytes, from: 0) != nil)
    },
    "reReplaceAll": TemplateFunction(TemplateParameters(.text, .text, .text)) {
      (state, values) throws(TemplateCallError) in
      let pattern = values[0].bytes
      let regex = try state.regex(pattern) { "regexp: Compile(\(TemplateText.quoted(pattern))): \($0)" }
      return .text(try regex.replaceAll(in: values[2].bytes, with: values[1].bytes, &state))
    },
  ]

  private static let ofNumbers: [String: TemplateFunction] = [
    "humanize": TemplateFunction(number: { TemplateValue(HumanText.decimal($0)) }),
    "humanize1024": TemplateFunction(number: { TemplateValue(HumanText.binary($0)) }),
    "humanizePercentage": TemplateFunction(number: { TemplateValue(GoFloat.general($0 * 100, digits: 4) + "%") }),
    "humanizeDuration": TemplateFunction(number: { TemplateValue(HumanText.duration($0)) }),
    "humanizeTimestamp": TemplateFunction(number: { (seconds) throws(TemplateCallError) in
      if !seconds.isFinite { return TemplateValue(GoFloat.general(seconds, digits: 4)) }
      return TemplateValue((try GoTime(seconds: seconds)).description)
    }),
    "toTime": TemplateFunction(number: { (seconds) throws(TemplateCallError) in .time(try GoTime(seconds: seconds)) }),
    "toDuration": TemplateFunction(number: { .duration(GoTime.nanoseconds($0), isMade: true) }),
    "now": TemplateFunction(TemplateParameters()) { state, _ in .float(Double(state.context.time) / 1000) },
    "parseDuration": TemplateFunction(TemplateParameters(.text)) { (_, values) throws(TemplateCallError) in
      do throws(DurationText.Refusal) {
        let text = String(decoding: values[0].bytes, as: UTF8.self)
        return .float(GoTime.seconds(try DurationText.readSigned(text) * 1_000_000))
      } catch { throw .failed(error.description) }
    },
  ]
}
