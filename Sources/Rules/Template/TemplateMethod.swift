import Model

/// A method of a time, a duration or a histogram. A value.
struct TemplateMethod: Sendable {
  let parameters: TemplateParameters
  private let body: @Sendable (TemplateValue, [TemplateValue]) -> TemplateValue

  private init(
    _ parameters: TemplateParameters = TemplateParameters(),
    _ body: @escaping @Sendable (TemplateValue, [TemplateValue]) -> TemplateValue
  ) {
    self.parameters = parameters
    self.body = body
  }

  func call(_ value: TemplateValue, _ arguments: [TemplateValue], _ limits: TemplateLimits) throws(TemplateError)
    -> TemplateValue
  {
    body(value, arguments)
  }

  static func find(_ name: String, of value: TemplateValue) -> TemplateMethod? {
    switch value {
    case .time: ofTimes[name]
    case .duration: ofDurations[name]
    case .month, .weekday, .histogram: name == "String" ? ofAny : nil
    default: nil
    }
  }

  private static let ofAny = TemplateMethod { value, _ in TemplateValue(GoPrint.text(of: value)) }

  private static let ofTimes: [String: TemplateMethod] = [
    "String": ofAny,
    "Format": TemplateMethod(TemplateParameters(.text)) { value, arguments in
      TemplateValue(GoTimeLayout.format(time(value), String(decoding: arguments[0].bytes, as: UTF8.self)))
    },
    "Unix": number { $0.parts.seconds },
    "UnixMilli": number { $0.parts.seconds * 1000 + $0.parts.fraction / 1_000_000 },
    "UnixMicro": number { $0.parts.seconds * 1_000_000 + $0.parts.fraction / 1000 },
    "UnixNano": number { $0.nanoseconds },
    "Year": number { Int64($0.calendar.year) },
    "Day": number { Int64($0.calendar.day) },
    "YearDay": number { Int64($0.calendar.dayOfYear) },
    "Hour": number { Int64($0.calendar.hour) },
    "Minute": number { Int64($0.calendar.minute) },
    "Second": number { Int64($0.calendar.second) },
    "Nanosecond": number { $0.parts.fraction },
    "Month": TemplateMethod { value, _ in .month(time(value).calendar.month) },
    "Weekday": TemplateMethod { value, _ in .weekday(time(value).calendar.weekday) },
    "UTC": TemplateMethod { value, _ in value },
    "IsZero": TemplateMethod { _, _ in .bool(false) },
    "Add": TemplateMethod(TemplateParameters(.duration)) { value, arguments in
      .time(GoTime(nanoseconds: time(value).nanoseconds &+ nanoseconds(arguments[0])))
    },
    "Sub": TemplateMethod(TemplateParameters(.time)) { value, arguments in
      let (difference, overflow) = time(value).nanoseconds.subtractingReportingOverflow(time(arguments[0]).nanoseconds)
      let limit = time(value).nanoseconds < 0 ? Int64.min : Int64.max
      return .duration(overflow ? limit : difference, isMade: false)
    },
    "Truncate": TemplateMethod(TemplateParameters(.duration)) { value, arguments in
      // Go counts from the year 1, which matters for durations that do not divide a day.
      let unit = nanoseconds(arguments[0])
      if unit <= 0 { return value }
      let (seconds, fraction) = time(value).parts
      let sinceYear1 = Int128(seconds + 62_135_596_800) * 1_000_000_000 + Int128(fraction)
      return .time(GoTime(nanoseconds: time(value).nanoseconds &- Int64(sinceYear1 % Int128(unit))))
    },
    "Before": comparison { $0 < $1 },
    "After": comparison { $0 > $1 },
    "Equal": comparison { $0 == $1 },
  ]

  private static let ofDurations: [String: TemplateMethod] = [
    "String": ofAny,
    "Seconds": TemplateMethod { value, _ in .float(GoTime.seconds(nanoseconds(value))) },
    "Minutes": TemplateMethod { value, _ in .float(parts(nanoseconds(value), of: 60_000_000_000)) },
    "Hours": TemplateMethod { value, _ in .float(parts(nanoseconds(value), of: 3_600_000_000_000)) },
    "Milliseconds": TemplateMethod { value, _ in .integer(nanoseconds(value) / 1_000_000) },
    "Microseconds": TemplateMethod { value, _ in .integer(nanoseconds(value) / 1000) },
    "Nanoseconds": TemplateMethod { value, _ in .integer(nanoseconds(value)) },
    "Abs": TemplateMethod { value, _ in
      .duration(Int64(clamping: nanoseconds(value).magnitude), isMade: false)
    },
    "Truncate": TemplateMethod(TemplateParameters(.duration)) { value, arguments in
      let unit = nanoseconds(arguments[0])
      return .duration(unit <= 0 ? nanoseconds(value) : nanoseconds(value) - nanoseconds(value) % unit, isMade: false)
    },
    "Round": TemplateMethod(TemplateParameters(.duration)) { value, arguments in
      .duration(rounded(nanoseconds(value), to: nanoseconds(arguments[0])), isMade: false)
    },
  ]

  private static func number(_ part: @escaping @Sendable (GoTime) -> Int64) -> TemplateMethod {
    TemplateMethod { value, _ in .integer(part(time(value))) }
  }

  private static func comparison(_ compare: @escaping @Sendable (Int64, Int64) -> Bool) -> TemplateMethod {
    TemplateMethod(TemplateParameters(.time)) { value, arguments in
      .bool(compare(time(value).nanoseconds, time(arguments[0]).nanoseconds))
    }
  }

  private static func time(_ value: TemplateValue) -> GoTime {
    if case .time(let time) = value { time } else { GoTime(nanoseconds: 0) }
  }

  private static func nanoseconds(_ value: TemplateValue) -> Int64 {
    if case .duration(let nanoseconds, _) = value { nanoseconds } else { 0 }
  }

  private static func parts(_ nanoseconds: Int64, of unit: Int64) -> Double {
    Double(nanoseconds / unit) + Double(nanoseconds % unit) / Double(unit)
  }

  /// To the nearest multiple, halves away from zero; what does not fit stays at the end.
  private static func rounded(_ value: Int64, to unit: Int64) -> Int64 {
    if unit <= 0 { return value }
    let rest = value % unit
    let away = rest.magnitude >= unit.magnitude - rest.magnitude
    let cut = value - rest
    if !away { return cut }
    let (next, overflow) = cut.addingReportingOverflow(value < 0 ? -unit : unit)
    return overflow ? (value < 0 ? .min : .max) : next
  }
}
