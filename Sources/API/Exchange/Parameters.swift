import Format
import HTTP
import Model
import Platform
import PromQL

/// Reads the parameters of the API's requests, with Prometheus's texts where they are wrong.
struct Parameters {
  let request: Request

  func text(_ name: String) -> String { request.parameter(name) ?? "" }

  /// A time in milliseconds: seconds since 1970 as a number, or RFC 3339; nil where it is not given.
  func time(_ name: String) throws(APIError) -> Int64? {
    guard let text = request.parameter(name), !text.isEmpty else { return nil }
    if let time = Parameters.time(text) { return time }
    throw .invalidParameter(name, "cannot parse \(QuotedText.double(text)) to a valid timestamp")
  }

  /// The same as `time`, for a parameter that may be missing altogether: Prometheus then words the error otherwise.
  func optionalTime(_ name: String) throws(APIError) -> Int64? {
    do throws(APIError) {
      return try time(name)
    } catch {
      throw Parameters.invalidTime(name, text(name))
    }
  }

  /// A bound of a lookup in milliseconds, `missing` where it is not given. However far out it is, it is a bound: clients
  /// send the ends of their own calendar, and Grafana probes with milliseconds for seconds.
  func bound(_ name: String, _ missing: Int64) throws(APIError) -> Int64 {
    let text = text(name)
    if text.isEmpty { return missing }
    if let seconds = Double(text), !seconds.isNaN {
      if seconds.magnitude >= 9.2e15 { return seconds < 0 ? .min : .max }
      return Parameters.milliseconds(seconds)
    }
    // How Go's clients print the two ends of their time, in years that RFC 3339 does not have.
    if text == "-292273086-05-16T16:47:06Z" { return .min }
    if text == "292277025-08-18T07:12:54.999999999Z" { return .max }
    if let time = RFC3339.parse(text) { return time }
    throw Parameters.invalidTime(name, text)
  }

  private static func invalidTime(_ name: String, _ text: String) -> APIError {
    .invalidParameter(
      name, "invalid time value for '\(name)': cannot parse \(QuotedText.double(text)) to a valid timestamp")
  }

  /// A duration in milliseconds: seconds as a number, or Prometheus's form; nil where it is not given.
  func duration(_ name: String) throws(APIError) -> Int64? {
    guard let text = request.parameter(name), !text.isEmpty else { return nil }
    if let seconds = Double(text) {
      let milliseconds = seconds * 1000
      guard milliseconds.magnitude < 9.2e15 else {
        throw .invalidParameter(
          name, "cannot parse \(QuotedText.double(text)) to a valid duration. It overflows int64")
      }
      return Int64(milliseconds)
    }
    if let duration = DurationText.parse(text) { return duration }
    throw .invalidParameter(name, "cannot parse \(QuotedText.double(text)) to a valid duration")
  }

  /// A count; 0 where it is not given, which means "all".
  func limit(_ name: String = "limit") throws(APIError) -> Int {
    guard let text = request.parameter(name), !text.isEmpty else { return 0 }
    guard let value = Int(text) else {
      throw .invalidParameter(
        name, "strconv.Atoi: parsing \(QuotedText.double(text)): \(Parameters.whyNoNumber(text))")
    }
    guard value >= 0 else { throw .invalidParameter(name, "limit must be non-negative") }
    return value
  }

  /// Go's words about a text that is no whole number of its size.
  static func whyNoNumber(_ text: String) -> String {
    let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
    let isNumber = !digits.isEmpty && digits.count + 1 >= text.utf8.count && digits.allSatisfy { 48...57 ~= $0 }
    return isNumber ? "value out of range" : "invalid syntax"
  }

  /// The farthest time from 1970 there is, in seconds: the distance of two times fits 64 bits of milliseconds.
  private static let secondsMax = Double(Engine.timeMaximum / 1000)

  static func time(_ text: String) -> Int64? {
    if let seconds = Double(text) {
      guard seconds.isFinite, seconds.magnitude <= secondsMax else { return nil }
      return milliseconds(seconds)
    }
    return RFC3339.parse(text)
  }

  private static func milliseconds(_ seconds: Double) -> Int64 {
    let whole = seconds.rounded(.down)
    return Int64(whole) * 1000 + Int64(((seconds - whole) * 1000).rounded())
  }
}

extension Request {
  /// The first value of a name; empty where there is none.
  func queryParameter(_ name: String) -> String { parameter(name) ?? "" }
}
