import Format
import Model
import PromQL

/// `"stats"` beside a result and in the query log: times and samples, as Prometheus tells them.
package struct StatisticsJSON {
  let statistics: QueryStatistics

  package init(statistics: QueryStatistics) { self.statistics = statistics }

  package func write(to json: inout JSONBuffer) {
    let evaluation = statistics.preparationSeconds + statistics.evaluationSeconds + statistics.sortingSeconds
    let timings = [
      ("evalTotalTime", evaluation), ("resultSortTime", statistics.sortingSeconds),
      ("queryPreparationTime", statistics.preparationSeconds), ("innerEvalTime", statistics.evaluationSeconds),
      ("execQueueTime", statistics.queuedSeconds), ("execTotalTime", evaluation + statistics.queuedSeconds),
    ]
    json.raw(",\"stats\":{\"timings\":{")
    for (index, timing) in timings.enumerated() {
      if index > 0 { json.raw(",") }
      json.raw("\"\(timing.0)\":")
      json.number(timing.1)
    }
    json.raw("},\"samples\":{")
    if !statistics.samplesPerStep.isEmpty {
      json.raw("\"totalQueryableSamplesPerStep\":[")
      for (step, count) in statistics.samplesPerStep.enumerated() {
        if step > 0 { json.raw(",") }
        json.raw("[")
        json.timestamp(statistics.firstStep + Int64(step) * statistics.stepInterval)
        json.raw(",")
        json.integer(count)
        json.raw("]")
      }
      json.raw("],")
    }
    json.raw("\"totalQueryableSamples\":")
    json.integer(statistics.samplesTotal)
    json.raw(",\"peakSamples\":")
    json.integer(statistics.samplesPeak)
    json.raw("}}")
  }
}
