import Format
import Ingest
import Model
import Synchronization

/// Type, help and unit of the metric families of one target, as its last ten scrapes said. A line that says what is known costs a
/// hash and a look-up, and no allocation. Any thread.
final class TargetFamilies: Sendable {
  private let state: Mutex<Families>

  init(_ key: KeyedHash) { state = Mutex(Families(key)) }

  /// Lends the families for the time of a scrape, which only reads memory meanwhile.
  func use<Result>(_ body: (inout Families) -> Result) -> Result {
    state.withLock { families in body(&families) }
  }

  /// Number of families, and bytes of their texts.
  var size: (entries: Int, bytes: Int) { state.withLock { ($0.list.count, $0.byteCount) } }

  /// All of them, in order of their names.
  var all: [TargetMetadata] {
    state.withLock { families in
      families.list.map { family in
        let kind = MetricMetadataKind(rawValue: Int(family.kind.rawValue)) ?? .unknown
        return TargetMetadata(
          metric: family.name, metadata: MetricMetadata(kind: kind, help: family.help, unit: family.unit))
      }
    }
    .sorted { $0.metric < $1.metric }
  }
}

/// The families of one target: those of a scrape are found where the one before it said, others by the hash of their name.
struct Families: Sendable {
  struct Family: Sendable {
    var name: String
    var hash: UInt64
    var kind = MetricFamilyKind.unknown
    var help = ""
    var unit = ""
    /// Of the bytes of `help` and `unit` as exposed.
    var helpHash: UInt64 = 0
    var unitHash: UInt64 = 0
    /// The last scrape that said anything of it.
    var scrape: UInt64
    /// True if the store of the workspace has not heard of it as it is.
    var isUntold = true
  }

  /// Scrapes that a family is kept for after the last one that had it.
  private static let keptScrapes: UInt64 = 10
  /// Families of one target; of further ones nothing is kept.
  static let familiesMax = 100_000
  /// Bytes of a help text or a unit; a longer one counts as none. As in the store of the workspace.
  static let textBytesMax = 64 << 10
  /// The store forgets after a day what nobody repeats.
  static let toldMilliseconds: Int64 = 6 * 3_600_000

  private let key: KeyedHash
  private(set) var list: [Family] = []
  private var places: [UInt64: Int] = [:]
  private var scrape: UInt64 = 0
  private var next = 0
  private var hasUntold = false
  private var toldMilliseconds = Int64.min

  init(_ key: KeyedHash) { self.key = key }

  /// Bytes of names and texts.
  var byteCount: Int { list.reduce(0) { $0 + $1.name.utf8.count + $1.help.utf8.count + $1.unit.utf8.count } }

  mutating func setKind(_ kind: MetricFamilyKind, of name: LentBytes) {
    guard let place = place(of: name), list[place].kind != kind else { return }
    list[place].kind = kind
    change(place)
  }

  /// `make` makes the text of the bytes; only called where they are new.
  mutating func setHelp(_ bytes: LentBytes, of name: LentBytes, _ make: () -> String) {
    guard let place = place(of: name), let hash = hash(bytes), list[place].helpHash != hash else { return }
    list[place].helpHash = hash
    list[place].help = make()
    change(place)
  }

  mutating func setUnit(_ bytes: LentBytes, of name: LentBytes) {
    guard let place = place(of: name), let hash = hash(bytes), list[place].unitHash != hash else { return }
    list[place].unitHash = hash
    list[place].unit = String(decoding: bytes, as: UTF8.self)
    change(place)
  }

  private mutating func change(_ place: Int) {
    list[place].isUntold = true
    hasUntold = true
  }

  private func hash(_ bytes: LentBytes) -> UInt64? {
    bytes.count > Families.textBytesMax ? nil : key.hash(bytes)
  }

  private mutating func place(of name: LentBytes) -> Int? {
    guard let hash = hash(name) else { return nil }
    if next < list.count, list[next].hash == hash {
      list[next].scrape = scrape
      // HELP and TYPE of one family follow each other.
      return next
    }
    if next + 1 < list.count, list[next + 1].hash == hash {
      next += 1
      list[next].scrape = scrape
      return next
    }
    if let place = places[hash] {
      next = place
    } else {
      if list.count >= Families.familiesMax { return nil }
      next = list.count
      list.append(Family(name: String(decoding: name, as: UTF8.self), hash: hash, scrape: scrape))
      places[hash] = next
      hasUntold = true
    }
    list[next].scrape = scrape
    return next
  }

  // MARK: The end of a scrape

  /// Appends what the workspace's store has to hear: what has changed, and from time to time everything.
  mutating func tell(_ rows: inout WriteRequestRows, now: Int64) {
    let isDue = toldMilliseconds == .min || abs(now - toldMilliseconds) >= Families.toldMilliseconds
    if isDue { toldMilliseconds = now }
    if !isDue && !hasUntold { return }
    hasUntold = false
    for place in list.indices where isDue || list[place].isUntold {
      list[place].isUntold = false
      let family = list[place]
      rows.appendMetadata(
        kind: UInt32(family.kind.rawValue), name: family.name, help: family.help, unit: family.unit)
    }
  }

  /// Ends a scrape; after one that was stored, families leave that the last ones did not have.
  mutating func end(isStored: Bool) {
    next = 0
    let oldest = scrape < Families.keptScrapes ? 0 : scrape - Families.keptScrapes
    defer { scrape += 1 }
    guard isStored else { return }
    var old = 0
    for place in list.indices where list[place].scrape < oldest { old += 1 }
    if old == 0 { return }
    list.removeAll { $0.scrape < oldest }
    places = [:]
    for (place, family) in list.enumerated() { places[family.hash] = place }
  }
}
