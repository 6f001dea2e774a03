/// Numbers for people, as Prometheus's templates write them. Pure.
enum HumanText {
  /// With prefixes of the metric system: `1.235M`, `120m`.
  static func decimal(_ value: Double) -> String {
    if value == 0 || !value.isFinite { return GoFloat.general(value, digits: 4) }
    if value.magnitude < 1 { return small(value) }
    return large(value, 1000, ["k", "M", "G", "T", "P", "E", "Z", "Y"])
  }

  /// With prefixes for powers of 1024: `1.177Mi`.
  static func binary(_ value: Double) -> String {
    if value.magnitude <= 1 || !value.isFinite { return GoFloat.general(value, digits: 4) }
    return large(value, 1024, ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"])
  }

  /// Seconds: `1d 1h 0m 0s`, `12.35s`, `123.5ms`.
  static func duration(_ seconds: Double) -> String {
    if !seconds.isFinite { return GoFloat.general(seconds, digits: 4) }
    if seconds == 0 { return GoFloat.general(seconds, digits: 4) + "s" }
    if seconds.magnitude < 1 { return small(seconds) + "s" }
    let sign = seconds < 0 ? "-" : ""
    let whole = GoTime.wholeNumber(seconds.magnitude)
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60)
    if days != 0 { return "\(sign)\(days)d \(hours)h \(minutes)m \(whole % 60)s" }
    if hours != 0 { return "\(sign)\(hours)h \(minutes)m \(whole % 60)s" }
    if minutes != 0 { return "\(sign)\(minutes)m \(whole % 60)s" }
    return sign + GoFloat.general(seconds.magnitude, digits: 4) + "s"
  }

  private static func large(_ value: Double, _ base: Double, _ prefixes: [String]) -> String {
    var value = value
    var prefix = ""
    for next in prefixes {
      if value.magnitude < base { break }
      prefix = next
      value /= base
    }
    return GoFloat.general(value, digits: 4) + prefix
  }

  private static func small(_ value: Double) -> String {
    var value = value
    var prefix = ""
    for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
      if value.magnitude >= 1 { break }
      prefix = next
      value *= 1000
    }
    return GoFloat.general(value, digits: 4) + prefix
  }
}
