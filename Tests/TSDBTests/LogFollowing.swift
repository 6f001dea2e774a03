import Format
import Model
import Platform
import Testing

@testable import TSDB

/// What a follower was given, as plain values.
struct Followed {
  var series: [UInt64: Labels] = [:]
  var samples: [Sample] = []
  /// References and times of native histograms.
  var histograms: [Sample] = []
  var losses: [WALPosition] = []

  mutating func add(_ columns: borrowing RecordColumns) {
    for row in columns.series { series[row.ref] = Labels(packed: Array(columns.packedLabels(row.labels))) }
    let (refs, times, values) = (columns.samples.refs, columns.samples.timestamps, columns.samples.values)
    for i in 0..<columns.samples.count { samples.append(Sample(refs[i], times[i], values[i])) }
    for row in columns.histograms { histograms.append(Sample(row.ref, row.timestamp, 0)) }
  }

  /// The series that a log names before a position.
  static func names(of log: WriteAheadLog, before position: WALPosition) throws -> [UInt64: Labels] {
    var followed = Followed()
    var names = LogNames()
    try names.read(of: log, before: position) { followed.add($0) }
    return followed.series
  }
}

extension LogFollower {
  /// Reads up to the end of the log, or so many times.
  mutating func read(into followed: inout Followed, rowsMax: Int = 1000, timesMax: Int = .max) throws {
    var columns = RecordColumns()
    var times = 0
    while times < timesMax {
      times += 1
      let before = position
      let reading = try next(into: &columns, rowsMax: rowsMax)
      let isEmpty = columns.isEmpty
      switch reading {
      case .records:
        #expect(!isEmpty && position > before)
        followed.add(columns)
      case .atEnd:
        #expect(isEmpty)
        return
      case .lost(let through):
        #expect(isEmpty && position == through)
        followed.losses.append(through)
      }
    }
  }
}

extension WriteAheadLog {
  /// Commits one record of samples.
  @discardableResult
  func commit(_ samples: [Sample], compression: WALCompression = .snappy) throws -> WALPosition {
    var body = WALBody(compression: compression)
    body.addSamples(samples)
    return try commit(body)
  }
}
