import Format
import Model

/// A native histogram as the API has it: count, sum, and each bucket that is not empty with its bounds. The first number
/// of a bucket says which bounds belong to it: 0 upper, 1 lower, 2 neither, 3 both.
enum HistogramJSON {
  static func write(_ histogram: Histogram, _ json: inout JSONBuffer) {
    json.raw("{\"count\":")
    json.value(histogram.count)
    json.raw(",\"sum\":")
    json.value(histogram.sum)
    let buckets = histogram.allBuckets.filter { $0.count != 0 }
    if !buckets.isEmpty {
      json.raw(",\"buckets\":[")
      for (index, bucket) in buckets.enumerated() {
        if index > 0 { json.raw(",") }
        let kind = bucket.includesLower ? (bucket.includesUpper ? 3 : 1) : (bucket.includesUpper ? 0 : 2)
        json.raw("[\(kind),")
        json.value(bucket.lower)
        json.raw(",")
        json.value(bucket.upper)
        json.raw(",")
        json.value(bucket.count)
        json.raw("]")
      }
      json.raw("]")
    }
    json.raw("}")
  }
}
