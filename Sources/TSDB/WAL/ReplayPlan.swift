import Format
import Platform

/// Which files a replay reads, in order.
struct ReplayPlan: Sendable {
  struct Source: Sendable {
    var directory: WALDirectory
    var number: Int
    /// A record's first byte.
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
  /// Where the log behind the checkpoint begins.
  private(set) var logStart = WALPosition(segment: 0, offset: 0)

  /// All of the log below segment `limit`; what `from` knows already is left out where the log still has the rest.
  init(_ directory: WALDirectory, from: WALPosition?, before limit: Int) throws(DiskError) {
    let segments = try directory.segments().filter { $0 < limit }
    let checkpoint = try directory.checkpoints().last { $0 < limit }
    var first = segments.first ?? 0
    if let from, from.segment > checkpoint ?? -1 {
      first = from.segment
    } else if let checkpoint {
      let folder = WALDirectory(directory.disk, directory.checkpointPath(checkpoint))
      for number in try folder.segments() {
        sources.append(Source(directory: folder, number: number, start: 0, isCheckpoint: true))
      }
      first = checkpoint + 1
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
}
