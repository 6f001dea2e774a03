import Model
import TestKit

/// The answer of a query as series of samples, decoded apart from the code that wrote it.
struct QueriedSeries {
  typealias Times = WorldModel.Times

  var found: [Labels: Times] = [:]

  /// Nil where the bytes are no successful answer of floats.
  init?(_ bytes: [UInt8]) {
    guard let answer = try? JSONValue(parsing: bytes), answer["status"].string == "success",
      let result = answer["data"]["result"].array
    else { return nil }
    for series in result {
      guard let members = series["metric"].members else { return nil }
      let labels = Labels(members.compactMap { member in member.value.string.map { (member.name, $0) } })
      var times: Times = [:]
      for sample in series["values"].array ?? [series["value"]] {
        guard let time = sample[0].number, let value = sample[1].string.flatMap({ Double($0) }) else { return nil }
        times[Int64((time * 1000).rounded())] = value.bitPattern
      }
      found[labels] = times
    }
  }
}
