import Format
import Platform

/// The files that a replay reads, in order.
struct ReplayPlan: Sendable {
  struct Source: Sendable {
    var directory: WALDirectory
    var number: Int
    /// The offset at which reading starts, a record's first byte.
    var start: Int
    var isCheckpoint: Bool

    var path: String { directory.segmentPath(number) }
    var name: String {
      let parts = path.split(separator: "/").suffix(isCheckpoint ? 3 : 2)
      return parts.joined(separator: "-")
    }
  }

  private(set) var sources: [Source] = []
  /// Numbers that should be there, after the checkpoint or between others.
  private(set) var missing: [Int] = []
  /// True if the first segment is not the first that was written, and no checkpoint stands for those before it.
  private(set) var lacksBeginning = false
  /// Start of the log behind the checkpoint.
  private(set) var logStart = WALPosition(segment: 0, offset: 0)

  /// All of the log below segment `limit`; what `from` knows already is left out where the log still has the rest.
  /// `passesOver`: a checkpoint that cannot be listed is none.
  init(
    _ directory: WALDirectory, from: WALPosition?, before limit: Int, passesOver: Bool = false
  ) throws(DiskError) {
    let segments = try directory.segments().filter { $0 < limit }
    var first = segments.first ?? 0
    if let from, from.segment > (try directory.checkpoints().last { $0 < limit } ?? -1) {
      first = from.segment
    } else {
      let checkpoint = try ReplayPlan.checkpoint(in: directory, before: limit, passesOver)
      sources = checkpoint.sources
      // The segments before a checkpoint may still be there; where it has none of its own they are all there is.
      if let number = checkpoint.number { first = number + 1 } else { lacksBeginning = first > 0 }
    }
    logStart = WALPosition(segment: first, offset: 0)
    var expected = first
    for number in segments where number >= first {
      missing += expected..<number
      let start = number == from?.segment ? from?.offset ?? 0 : 0
      sources.append(Source(directory: directory, number: number, start: start, isCheckpoint: false))
      expected = number + 1
    }
  }

  /// The newest checkpoint with anything in it.
  private static func checkpoint(
    in directory: WALDirectory, before limit: Int, _ passesOver: Bool
  ) throws(DiskError) -> (number: Int?, sources: [Source]) {
    for number in try directory.checkpoints().reversed() where number < limit {
      let folder = WALDirectory(directory.disk, directory.checkpointPath(number))
      var parts: [Int] = []
      do throws(DiskError) {
        parts = try folder.segments()
      } catch {
        if !passesOver { throw error }
      }
      if parts.isEmpty { continue }
      return (number, parts.map { Source(directory: folder, number: $0, start: 0, isCheckpoint: true) })
    }
    return (nil, [])
  }
}
