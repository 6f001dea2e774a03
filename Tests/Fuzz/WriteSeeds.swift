import Format
import Model
import TestKit

/// Bodies as real senders make them, in small: one of each kind of field.
enum WriteSeeds {
  static let time: Int64 = 1_700_000_000_000

  static var v1: [[UInt8]] {
    var plain = RemoteWriteBody()
    plain.add("up", ["job": "node", "instance": "a:9100"], [(time, 1), (time + 15_000, 0)])
    plain.add(metadata: "up", kind: 2, help: "Whether the target is up.", unit: "")
    var rich = WriteRequestRows()
    rich.beginSeries()
    rich.appendLabel("__name__", "latency")
    rich.appendLabel("job", "api")
    rich.appendSample(time: time, value: 1.5)
    rich.appendExemplar([(name: "trace_id", value: "abc")], time: time, value: 0.3)
    var histogram = Histogram()
    histogram.schema = 3
    histogram.count = 6
    histogram.sum = 2.5
    histogram.positiveSpans = [BucketSpan(offset: 0, length: 2), BucketSpan(offset: 1, length: 1)]
    histogram.positiveBuckets = [1, 2, 3]
    rich.appendHistogram(HistogramMessage(time, histogram, isFloat: false))
    rich.endSeries(.stable)
    rich.appendMetadata(kind: 3, name: "latency", help: "Seconds.", unit: "seconds")
    return [[], plain.message, rich.body()]
  }

  static var v2: [[UInt8]] {
    var body = RemoteWriteV2Body()
    let exemplar = body.exemplar([("trace_id", "abc")], time, 0.5)
    body.add(
      [("__name__", "requests_total"), ("job", "api")], [(time, 3), (time + 15_000, 4)],
      metadata: RemoteWriteV2Body.Metadata(kind: 1, help: "Requests."), more: exemplar)
    return [[], body.message]
  }

  static var otlpProtobuf: [[UInt8]] { [[], otlp.protobuf] }
  static var otlpJSON: [[UInt8]] { [[], Array("{}".utf8), Array(otlp.json.utf8)] }

  private static var otlp: OTLPMessage {
    let host = OTLPBody.attributes(["host": "a"])
    let exemplar = OTLPBody.exemplar(0.3, at: time, trace: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
    return OTLPBody.request(
      resource: OTLPBody.attributes(["service.name": "shop", "service.instance.id": "1"]),
      [
        OTLPBody.metric("load", unit: "1", help: "Load.", .gauge, [OTLPBody.number(0.5, at: time, host)]),
        OTLPBody.metric(
          "requests", .sum(isMonotonic: true), [OTLPBody.integer(7, at: time, host)]),
        OTLPBody.metric(
          "size", unit: "By", .histogram,
          [
            OTLPBody.histogram(
              at: time, count: 3, sum: 6, buckets: [1, 1, 1], bounds: [1, 5], host, exemplars: [exemplar])
          ]),
        OTLPBody.metric(
          "wait", .exponential,
          [
            OTLPBody.exponential(
              at: time, count: 4, sum: 9, scale: 2, zero: 1, positive: (-3, [1, 0, 1]), negative: (2, [1]), host)
          ]),
        OTLPBody.metric("rest", .summary, [OTLPBody.summary(at: time, count: 2, sum: 3, [(0.5, 1), (0.99, 2)], host)]),
      ])
  }

  static var compressedRead: [UInt8] {
    RemoteReadBody.request(
      start: time, end: time + 60_000, matchers: [(0, "__name__", "up"), (2, "job", "a.*"), (3, "zone", "b|c")],
      types: [1, 0])
  }

  static var remoteRead: [[UInt8]] {
    var decoded = ByteBuffer()
    compressedRead.withUnsafeBytes { bytes in try? Snappy.decode(bytes, into: &decoded, decodedBytesMax: 1 << 20) }
    return [Array(decoded.bytes)]
  }
}
