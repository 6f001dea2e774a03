import Model
import PromQL

/// The series of a test on their way into its database, sample by sample as the rounds go on. A value.
struct UnitTestFeed {
  private struct Input {
    var labels: Labels
    var cursor: SeriesNotation.Cursor
    var time: Int64
    var isDone = false
  }

  private let interval: Int64
  private var inputs: [Input] = []

  /// Of two series with the same labels the later one counts.
  init(_ series: [SeriesNotation], from start: Int64, interval: Int64) {
    self.interval = interval
    var places: [Labels: Int] = [:]
    for one in series {
      let input = Input(labels: one.labels, cursor: SeriesNotation.Cursor(one), time: start)
      if let place = places[one.labels] {
        inputs[place] = input
      } else {
        places[one.labels] = inputs.count
        inputs.append(input)
      }
    }
  }

  /// Stores all samples up to a time, that time included; the series and the reason where one is refused.
  mutating func load(through time: Int64, into database: UnitTestDatabase) -> String? {
    for place in inputs.indices where !inputs[place].isDone {
      while inputs[place].time <= time {
        guard let point = inputs[place].cursor.take() else {
          inputs[place].isDone = true
          break
        }
        if let point, let refusal = database.append(inputs[place].labels, at: inputs[place].time, point) {
          return "\(UnitTestText.labels(inputs[place].labels)), err: \(refusal)"
        }
        inputs[place].time += interval
      }
    }
    return nil
  }
}
