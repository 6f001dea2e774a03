import Ingest
import Model
import TestKit

/// What an OpenTelemetry collector pushes, as protobuf or JSON: gauges, and sums that grow.
enum SimulatedPush {
  static func message(_ series: SimulatedSender.Series) -> [UInt8] {
    var metrics: [OTLPMessage] = []
    for one in series {
      let attributes = OTLPBody.attributes(["i": one.labels["i"] ?? "", "sender": one.labels["sender"] ?? ""])
      let points = one.samples.map { OTLPBody.number(Double(bitPattern: $0.bits), at: $0.time, attributes) }
      let isSum = one.labels["__name__"] == "m_total"
      metrics.append(OTLPBody.metric("m", isSum ? .sum(isMonotonic: true) : .gauge, points))
    }
    let request = OTLPBody.request(resource: [], metrics)
    return isJSON(series) ? Array(request.json.utf8) : request.protobuf
  }

  private static func isJSON(_ series: SimulatedSender.Series) -> Bool {
    (series.first?.samples.first?.time ?? 0) / World.stepMilliseconds % 2 == 0
  }

  static func send(_ body: SimulatedSender.Body, to surface: SimulatedSurface) -> ReceiveOutcome {
    let type = isJSON(body.series) ? "application/json" : "application/x-protobuf"
    let answer = surface.post("/api/v1/otlp/v1/metrics", [(name: "Content-Type", value: type)], body.message)
    let text = String(decoding: answer.bytes, as: UTF8.self)
    switch answer.status {
    case 200: return text.isEmpty || text == "{}" ? .stored : .partly(message: text)
    case 429, 503: return .unavailable(message: text, retryAfterSeconds: 1)
    default: return .malformed(message: "\(answer.status) \(text)")
    }
  }
}
