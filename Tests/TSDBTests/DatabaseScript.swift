import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

/// A story of writes and upkeep that can be told up to any disk operation, and what must be left of it.
struct DatabaseScript {
  enum Step {
    /// A body over all series, its times moved on by this much first.
    case write(advance: Int64)
    /// Late samples for some series.
    case late
    case writeChunks
    case completeIdle
    case truncateLogs
    case snapshot
    /// The head is written to blocks, and blocks are compacted.
    case flush
    /// Ends cleanly and opens again.
    case reopen
    /// Is killed and opens again.
    case kill
  }

  var steps: [Step]
  var seriesCount = 6

  /// What was sent and what was acknowledged.
  struct Told {
    var sent: PlainSamples = [:]
    var acknowledged: PlainSamples = [:]
    var sentExemplars: PlainExemplars = [:]
    var acknowledgedExemplars: PlainExemplars = [:]
    var time = DatabaseSetup.epoch
    var round = 0

    mutating func note(_ body: [SentSeries], acknowledged isAcknowledged: Bool) {
      for series in body {
        for (time, bits) in series.samples {
          sent[series.identity, default: [:]][time] = bits
          if isAcknowledged { acknowledged[series.identity, default: [:]][time] = bits }
        }
        for exemplar in series.exemplars {
          sentExemplars[series.identity, default: []].append(exemplar)
          if isAcknowledged { acknowledgedExemplars[series.identity, default: []].append(exemplar) }
        }
      }
    }
  }

  /// Tells the story until it ends or the disk stops; what fails is not acknowledged.
  func tell(_ setup: DatabaseSetup, _ told: inout Told) throws {
    let writer = HeadWriter()
    var database: Database? = attempt { try setup.open() }
    for step in steps {
      guard let open = database else { break }
      switch step {
      case .write(let advance):
        told.time += advance
        setup.clock.advance(milliseconds: advance)
        told.round += 1
        let (time, round) = (told.time, told.round)
        // The last series comes anew each time.
        let body = (0..<seriesCount).map { number in
          var series = SentSeries(
            "m", number == seriesCount - 1 ? 1000 + round : number, [(time, value(number, round))])
          if (number + round) % 3 != 0 {
            let labels = Labels([("trace_id", "\(round)-\(number)")])
            series.exemplars = [Exemplar(labels: labels, time: time - 1, value: Double(round).bitPattern)]
          }
          return series
        }
        write(body, writer, open, &told)
      case .late:
        told.round += 1
        let (time, round) = (told.time, told.round)
        let body = (0..<min(seriesCount, 3)).map { number in
          SentSeries("m", number, [(time - 61_000 - Int64(round), Double(round))])
        }
        write(body, writer, open, &told)
      case .writeChunks: open.writeCompletedChunks()
      case .completeIdle:
        open.head.completeIdleChunks(lastBefore: told.time + 1)
        open.writeCompletedChunks()
      case .truncateLogs: open.truncateLogs(now: told.time)
      case .snapshot: open.writeSnapshot()
      case .flush:
        _ = open.flushHead { false }
        open.compact()
      case .reopen:
        try setup.close(open)
        database = nil
        database = attempt { try setup.open() }
      case .kill:
        database = nil
        database = attempt { try setup.open() }
      }
      if setup.disk.isStopped { return }
    }
  }

  private func attempt<Result>(_ body: () throws -> Result) -> Result? {
    do { return try body() } catch { return nil }
  }

  private func value(_ number: Int, _ round: Int) -> Double {
    switch number % 3 {
    case 0: 5
    case 1: Double(round)
    default: Double((round * 7919 + number * 104_729) % 1000) * 0.37
    }
  }

  private func write(_ body: [SentSeries], _ writer: HeadWriter, _ database: Database, _ told: inout Told) {
    var isAcknowledged = true
    do { try writer.write(body, to: database.head, now: told.time) } catch { isAcknowledged = false }
    told.note(body, acknowledged: isAcknowledged)
  }

  /// Everything acknowledged is there, and nothing that was never sent.
  static func fault(_ told: Told, _ found: PlainSamples) -> String? {
    for (labels, samples) in told.acknowledged {
      for time in samples.keys.sorted() where found[labels]?[time] != samples[time] {
        return "\(labels) at \(time - DatabaseSetup.epoch): acknowledged, but lost"
      }
    }
    for (labels, samples) in found {
      for time in samples.keys.sorted() where told.sent[labels]?[time] != samples[time] {
        return "\(labels) at \(time - DatabaseSetup.epoch): never sent"
      }
    }
    return nil
  }

  /// Every acknowledged exemplar of a series that goes on is there, and none that was never sent. Those of ended series
  /// may go with a restart.
  static func exemplarFault(_ told: Told, _ head: Head) throws -> String? {
    let found = try head.allExemplars()
    for (labels, exemplars) in told.acknowledgedExemplars where labels["instance"].map({ $0.count < 7 }) == true {
      for exemplar in exemplars where found[labels]?.contains(exemplar) != true {
        return "exemplar of \(labels) at \(exemplar.time - DatabaseSetup.epoch): acknowledged, but lost"
      }
    }
    for (labels, exemplars) in found {
      for exemplar in exemplars where told.sentExemplars[labels]?.contains(exemplar) != true {
        return "exemplar of \(labels) at \(exemplar.time - DatabaseSetup.epoch): never sent"
      }
      if Set(exemplars.map(\.time)).count != exemplars.count { return "an exemplar of \(labels) is there twice" }
    }
    return nil
  }

  static let ordinary: [Step] = many(8, .write(advance: 15_000))
  static let withChunks: [Step] =
    many(5, .write(advance: 15_000)) + [.completeIdle] + many(4, .write(advance: 15_000)) + [.late, .completeIdle]
    + many(3, .write(advance: 15_000))
  static let withLog: [Step] =
    many(3, .write(advance: 15_000)) + [.late, .truncateLogs] + many(3, .write(advance: 3_600_000))
    + [
      .late, .truncateLogs, .write(advance: 15_000), .late, .truncateLogs, .write(advance: 15_000), .truncateLogs,
      .late,
    ]
  static let withSnapshot: [Step] =
    many(3, .write(advance: 15_000)) + [.late, .completeIdle, .write(advance: 15_000), .snapshot]
    + [.write(advance: 15_000), .late, .completeIdle, .write(advance: 15_000), .snapshot, .write(advance: 15_000)]
  static let withEnds: [Step] =
    many(3, .write(advance: 15_000)) + [.late, .reopen, .write(advance: 15_000), .late, .completeIdle, .kill]
    + [.write(advance: 15_000), .late, .reopen, .write(advance: 15_000)]
  static let withFlush: [Step] =
    many(3, .write(advance: 15_000)) + [.late] + many(2, .write(advance: 5_400_000)) + [.late, .flush, .truncateLogs]
    + [.write(advance: 15_000), .late, .kill] + many(2, .write(advance: 5_400_000)) + [.flush, .late, .snapshot]
    + many(2, .write(advance: 5_400_000)) + [.completeIdle, .flush, .truncateLogs, .write(advance: 15_000), .reopen]
    + many(2, .write(advance: 5_400_000)) + [.flush, .write(advance: 15_000)]
  static let everything: [Step] =
    withLog + [.snapshot] + withChunks + [.truncateLogs, .reopen] + withSnapshot + [.truncateLogs, .kill] + withEnds

  private static func many(_ count: Int, _ step: Step) -> [Step] { Array(repeating: step, count: count) }
}
