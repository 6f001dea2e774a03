import Format
import Model

/// The replicas whose series one body brings: most bodies bring one replica's, or none. Scratch of one body, reused;
/// owned by the body's delivery.
struct BodyPairs {
  /// Replicas in one body; the rows of further ones are refused.
  static let pairsMax = 1024
  /// Bytes of a label value that can name a cluster or a replica. Series with longer ones go the way of all series, and
  /// meet the limits there.
  static let valueBytesMax = 2048

  struct Entry {
    var pair: HAPair
    /// The tag under which the head remembers the spellings of its series; 0: the head does not.
    var number: UInt16
    var rows = 0
    var samples = 0
    /// Newest and oldest timestamp of the samples that are not too far in the future; nil where there are none.
    var newest: Int64?
    var oldest: Int64?
    var fate = Fate.refused(leader: "")
    var supersededThrough = Int64.min
  }

  enum Fate: Equatable {
    case accepted
    /// Accepted, and the bodies that the ring keeps of it are stored first. `previous` is nil where that has been tried
    /// before.
    case takesOver(previous: HAElection.Previous?)
    case refused(leader: String)
    case tooManyClusters(limit: Int)
  }

  private(set) var entries: [Entry] = []
  private var placeByNumber: [UInt16: Int] = [:]
  private var placeByPair: [HAPair: Int] = [:]
  /// The place asked for last, by its number and by its names: nearly always the next one too.
  private var lastNumber: (number: UInt16, place: Int) = (0, 0)
  private var lastPlace = -1
  /// Counts of samples, histograms and exemplars refused because another replica leads.
  var refused = ReceivedCounts()
  var refusedRows = 0

  var isEmpty: Bool { entries.isEmpty }

  mutating func removeAll() {
    if entries.isEmpty && refusedRows == 0 { return }
    self = BodyPairs()
  }

  subscript(place: Int) -> Entry {
    get { entries[place] }
    set { entries[place] = newValue }
  }

  /// The place of a pair that goes by a number; nil where the number means nothing (any more).
  @inline(__always)
  mutating func place(of number: UInt16, _ name: (UInt16) -> HAPair?) -> Int? {
    if number == lastNumber.number { return lastNumber.place }
    return findPlace(of: number, name)
  }

  private mutating func findPlace(of number: UInt16, _ name: (UInt16) -> HAPair?) -> Int? {
    var found = placeByNumber[number]
    if found == nil, let pair = name(number) {
      found = place(of: pair, number: number)
      placeByNumber[number] = found
    }
    if let found { lastNumber = (number, found) }
    return found
  }

  /// The place of a pair by its labels, where the row has both.
  mutating func place(cluster: LentBytes, replica: LentBytes) -> Int {
    if lastPlace >= 0, entries[lastPlace].pair.replica.utf8.elementsEqual(replica),
      entries[lastPlace].pair.cluster.utf8.elementsEqual(cluster)
    {
      return lastPlace
    }
    let pair = HAPair(
      cluster: String(decoding: cluster, as: UTF8.self), replica: String(decoding: replica, as: UTF8.self))
    lastPlace = place(of: pair, number: 0)
    return lastPlace
  }

  mutating func place(of pair: HAPair, number: UInt16) -> Int {
    if let place = placeByPair[pair] {
      if entries[place].number == 0 { entries[place].number = number }
      return place
    }
    // The last place stands for all that are too many.
    if entries.count == BodyPairs.pairsMax { return BodyPairs.pairsMax - 1 }
    placeByPair[pair] = entries.count
    entries.append(Entry(pair: pair, number: number))
    return entries.count - 1
  }

  mutating func note(_ run: BodyPairsRun) {
    if run.rows == 0 { return }
    entries[run.place].rows += run.rows
    entries[run.place].samples += run.samples
    if run.newest == .min { return }
    entries[run.place].newest = max(entries[run.place].newest ?? .min, run.newest)
    entries[run.place].oldest = min(entries[run.place].oldest ?? .max, run.oldest)
  }
}

/// Rows of one pair, one behind the other: added up in registers, then noted.
struct BodyPairsRun {
  let place: Int
  var rows = 0
  var samples = 0
  var newest = Int64.min
  var oldest = Int64.max

  init(_ place: Int) { self.place = place }

  @inline(__always)
  mutating func add(_ row: UnsafePointer<WriteRow>, _ times: UnsafePointer<Int64>, notAfter limit: Int64) {
    rows &+= 1
    let count = Int(row.pointee.sampleCount)
    samples &+= count
    let start = Int(row.pointee.sampleStart)
    for sample in start..<(start &+ count) where times[sample] <= limit {
      newest = max(newest, times[sample])
      oldest = min(oldest, times[sample])
    }
  }
}

/// Numbers of samples, histograms and exemplars of a body.
package struct ReceivedCounts: Sendable, Equatable {
  package var samples = 0
  package var histograms = 0
  package var exemplars = 0

  package init() {}
}
