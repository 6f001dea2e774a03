import Model

/// The course of a discovery: which queries are to be made when, and what their answers change. A value that one thread
/// owns; times are milliseconds of a clock that never goes back.
struct ConsulCourse {
  /// Services that are watched at once; of more the first by name.
  static let servicesMax = 10_000
  static let errorPauseMilliseconds: Int64 = 15_000

  enum Query: Hashable, Sendable {
    case agent, catalog
    case service(String)
  }

  private struct Watch {
    var index: UInt64 = 0
    /// Nil while its query is under way.
    var due: Int64?
    var began: Int64 = 0
    /// Tells the answers of a watch from those of one before it.
    var number: Int
  }

  private let options: ConsulDiscoveryOptions
  private var watches: [Query: Watch] = [:]
  private var numbersMade = 0
  private(set) var datacenter: String
  /// Services that are not watched because there are too many.
  private(set) var leftOut = 0

  init(_ options: ConsulDiscoveryOptions) {
    self.options = options
    datacenter = options.datacenter
    if datacenter.isEmpty { watch(.agent, at: 0) } else { begin(at: 0) }
  }

  /// True if the services are those of the catalog, not of the options alone.
  private var usesCatalog: Bool {
    options.services.isEmpty || !options.tags.isEmpty || !options.filter.isEmpty
  }

  private mutating func begin(at now: Int64) {
    if usesCatalog { return watch(.catalog, at: now) }
    for name in options.services { watch(.service(name), at: now) }
  }

  private mutating func watch(_ query: Query, at now: Int64) {
    numbersMade += 1
    watches[query] = Watch(due: now, number: numbersMade)
  }

  var services: [String] {
    watches.keys.compactMap { if case .service(let name) = $0 { name } else { nil } }.sorted()
  }

  /// The moment of the next query; nil while all are under way.
  var next: Int64? { watches.values.compactMap(\.due).min() }

  /// The queries to make now.
  mutating func takeDue(_ now: Int64) -> [(query: Query, index: UInt64, number: Int)] {
    let due = watches.filter { $0.value.due.map { $0 <= now } ?? false }
    return due.map { query, watch in
      watches[query]?.due = nil
      watches[query]?.began = now
      return (query, watch.index, watch.number)
    }
  }

  /// True if the answer with this number is one that somebody waits for.
  func isCurrent(_ query: Query, _ number: Int) -> Bool { watches[query]?.number == number }

  mutating func failed(_ query: Query, _ now: Int64) {
    guard let watch = watches[query] else { return }
    let due = max(now + Self.errorPauseMilliseconds, watch.began + interval(query))
    watches[query]?.due = due
  }

  private func interval(_ query: Query) -> Int64 { query == .agent ? 0 : options.refreshMilliseconds }

  /// Takes the index of an answer; false where nothing has changed.
  private mutating func take(_ index: UInt64, _ query: Query, _ now: Int64) -> Bool {
    guard let watch = watches[query] else { return false }
    let due = max(now, watch.began + interval(query))
    watches[query]?.due = due
    if index == watch.index { return false }
    // An index that goes back belongs to a state that was restored.
    watches[query]?.index = index < watch.index ? 0 : index
    return true
  }

  mutating func found(datacenter: String, _ now: Int64) {
    self.datacenter = datacenter
    watches[.agent] = nil
    begin(at: now)
  }

  /// Takes the catalog over; returns the groups that go.
  mutating func found(
    services found: [(name: String, tags: [String])], index: UInt64, _ now: Int64
  ) -> [TargetGroup] {
    guard take(index, .catalog, now) else { return [] }
    leftOut = 0
    for (name, tags) in found.sorted(by: { $0.name < $1.name }) {
      guard options.services.isEmpty || options.services.contains(name), options.tags.allSatisfy(tags.contains),
        watches[.service(name)] == nil
      else { continue }
      if watches.count > Self.servicesMax {
        leftOut += 1
      } else {
        watch(.service(name), at: now)
      }
    }
    let present = Set(found.map(\.name))
    let gone = services.filter { !present.contains($0) }
    for name in gone { watches[.service(name)] = nil }
    let groups = gone.map { TargetGroup(source: $0, targets: []) }
    // Says that there is nothing.
    return services.isEmpty ? groups + [TargetGroup(source: "", targets: [])] : groups
  }

  /// True if the answer about a service says something new.
  mutating func found(service name: String, index: UInt64, _ now: Int64) -> Bool {
    take(index, .service(name), now)
  }
}
