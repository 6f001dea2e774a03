import Synchronization

/// Every metric the server exposes about itself. Registration at start, reading whenever `/metrics` or the
/// self-scrape asks. Families keep the order of their first registration by name. A wrong name, or one name for two
/// kinds, is a mistake of this program and stops it where it is made. Any thread may register and read.
///
/// A registry may have scopes: registries of their own, one for each workspace, whose metrics are told with the scope's labels.
package final class MetricsRegistry: Sendable {
  private enum Instrument: Sendable {
    case counter(Counter)
    case doubleCounter(DoubleCounter)
    case gauge(Gauge)
    case histogram(HistogramMetric)
    case summary(SummaryMetric)
    case collector(@Sendable () -> [(labels: MetricLabels, value: Double)])
  }

  private struct Member: Sendable {
    var labels: MetricLabels
    var instrument: Instrument
    /// Left out of readings until its histogram has an observation.
    var waitsForUse = false
  }

  private struct Family: Sendable {
    var name: String
    var help: String
    var kind: MetricKind
    var members: [Member]
  }

  private struct Families: Sendable {
    var list: [Family] = []
    var indexByName: [String: Int] = [:]
    var groups: [@Sendable () -> [MetricFamily]] = []
    var scopes: [MetricsRegistry] = []
  }

  private let state = Mutex(Families())
  /// Labels that every metric of the registry gets; only scopes have some.
  package let labels: MetricLabels

  package init() { labels = [] }

  private init(labels: MetricLabels) { self.labels = labels }

  /// Adds a scope. Only its metrics with a value other than zero are exposed: a thousand workspaces that nobody uses
  /// are a thousand times nothing.
  package func scope(_ labels: MetricLabels) -> MetricsRegistry {
    precondition(!labels.isEmpty && labels.allSatisfy { MetricName.isValidLabel($0.name) }, "a scope has labels")
    let scope = MetricsRegistry(labels: self.labels + labels)
    state.withLock { $0.scopes.append(scope) }
    return scope
  }

  /// Removes a scope with all its metrics.
  package func remove(_ scope: MetricsRegistry) { state.withLock { $0.scopes.removeAll { $0 === scope } } }

  /// True for the registry of a part of the server.
  package var isScope: Bool { !labels.isEmpty }

  /// A counter. The same name and labels give the same counter again; so for the other kinds.
  package func counter(_ name: String, _ help: String, labels: MetricLabels = []) -> Counter {
    let member = register(name, help, .counter, labels) { .counter(Counter()) }
    guard case .counter(let counter) = member else { preconditionFailure("\(name) counts in fractions") }
    return counter
  }

  /// A counter of a quantity, such as seconds.
  package func doubleCounter(_ name: String, _ help: String, labels: MetricLabels = []) -> DoubleCounter {
    let member = register(name, help, .counter, labels) { .doubleCounter(DoubleCounter()) }
    guard case .doubleCounter(let counter) = member else { preconditionFailure("\(name) counts in whole numbers") }
    return counter
  }

  package func gauge(_ name: String, _ help: String, labels: MetricLabels = []) -> Gauge {
    let member = register(name, help, .gauge, labels) { .gauge(Gauge()) }
    guard case .gauge(let gauge) = member else { preconditionFailure("\(name) is collected") }
    return gauge
  }

  /// `waitsForUse`: there are no series of it before the first observation. For label sets that are known at start and of
  /// which most servers never use most.
  package func histogram(
    _ name: String, _ help: String, labels: MetricLabels = [], upperBounds: [Double], waitsForUse: Bool = false
  ) -> HistogramMetric {
    precondition(!labels.contains { $0.name == "le" }, "`le` belongs to the buckets")
    let member = register(name, help, .histogram, labels, waitsForUse: waitsForUse) {
      .histogram(HistogramMetric(upperBounds: upperBounds))
    }
    guard case .histogram(let histogram) = member, histogram.upperBounds == upperBounds else {
      preconditionFailure("\(name) has other bounds")
    }
    return histogram
  }

  /// Quantiles of the last ten minutes.
  package func summary(
    _ name: String, _ help: String, labels: MetricLabels = [], quantiles: [Double] = SummaryMetric.quantiles,
    clock: any Clock = SystemClock()
  ) -> SummaryMetric {
    precondition(!labels.contains { $0.name == "quantile" }, "`quantile` belongs to the quantiles")
    let member = register(name, help, .summary, labels) {
      .summary(SummaryMetric(quantiles: quantiles, clock: clock))
    }
    guard case .summary(let summary) = member else { preconditionFailure("\(name) is collected") }
    return summary
  }

  /// Removes the member with these labels, for things that end: its series are told no more. Who still has it may change
  /// it, and nobody sees that.
  package func remove(_ name: String, labels: MetricLabels) {
    state.withLock { state in
      guard let index = state.indexByName[name] else { return }
      state.list[index].members.removeAll { Self.hasLabels($0, labels) }
    }
  }

  /// Values read when asked for: `read` gives one row per label set. Several collectors may serve one name.
  package func collect(
    _ name: String, _ help: String, _ kind: MetricKind,
    _ read: @escaping @Sendable () -> [(labels: MetricLabels, value: Double)]
  ) {
    precondition(kind != .histogram && kind != .summary, "a collected value has one number")
    check(name, [])
    state.withLock { state in
      let index = Self.family(name, help, kind, in: &state)
      state.list[index].members.append(Member(labels: [], instrument: .collector(read)))
    }
  }

  /// Families that are read together, because reading one means reading all. Called once per reading of the registry.
  package func collectFamilies(_ read: @escaping @Sendable () -> [MetricFamily]) {
    state.withLock { $0.groups.append(read) }
  }

  /// All families with their present values. Collectors run on the caller's thread, outside the registry's lock.
  package func families() -> [MetricFamily] {
    let present = state.withLock { $0 }
    var result: [MetricFamily] = []
    var indexByName: [String: Int] = [:]
    func add(_ family: MetricFamily) {
      if let index = indexByName[family.name] {
        result[index].samples += family.samples
      } else {
        indexByName[family.name] = result.count
        result.append(family)
      }
    }
    for family in present.list {
      add(
        MetricFamily(
          name: family.name, help: family.help, kind: family.kind,
          samples: family.members.flatMap { Self.samples(of: $0, named: family.name) }))
    }
    for read in present.groups { read().forEach(add) }
    if isScope { result = result.compactMap(labelled) }
    for scope in present.scopes { scope.families().forEach(add) }
    return result
  }

  /// The family as a scope tells it; nil where it has nothing to tell.
  private func labelled(_ family: MetricFamily) -> MetricFamily? {
    var family = family
    if family.kind == .histogram || family.kind == .summary, family.samples.allSatisfy({ !($0.value > 0) }) {
      return nil
    }
    if family.kind != .histogram && family.kind != .summary { family.samples.removeAll { $0.value == 0 } }
    for place in family.samples.indices { family.samples[place].labels += labels }
    return family.samples.isEmpty ? nil : family
  }

  // MARK: registration

  private func register(
    _ name: String, _ help: String, _ kind: MetricKind, _ labels: MetricLabels, waitsForUse: Bool = false,
    _ make: () -> Instrument
  ) -> Instrument {
    check(name, labels)
    return state.withLock { state in
      let index = Self.family(name, help, kind, in: &state)
      if let member = state.list[index].members.first(where: { Self.hasLabels($0, labels) }) {
        return member.instrument
      }
      let instrument = make()
      state.list[index].members.append(Member(labels: labels, instrument: instrument, waitsForUse: waitsForUse))
      return instrument
    }
  }

  private static func family(_ name: String, _ help: String, _ kind: MetricKind, in state: inout Families) -> Int {
    if let index = state.indexByName[name] {
      precondition(state.list[index].kind == kind, "\(name) is already of another kind")
      return index
    }
    state.indexByName[name] = state.list.count
    state.list.append(Family(name: name, help: help, kind: kind, members: []))
    return state.list.count - 1
  }

  private static func hasLabels(_ member: Member, _ labels: MetricLabels) -> Bool {
    if case .collector = member.instrument { return false }
    return member.labels.sorted { $0.name < $1.name }.elementsEqual(labels.sorted { $0.name < $1.name }, by: ==)
  }

  private func check(_ name: String, _ labels: MetricLabels) {
    precondition(MetricName.isValid(name), "\(name) is no metric name")
    precondition(labels.allSatisfy { MetricName.isValidLabel($0.name) }, "\(name) has a bad label name")
    precondition(Set(labels.map(\.name)).count == labels.count, "\(name) has a label twice")
  }

  // MARK: reading

  private static func samples(of member: Member, named name: String) -> [MetricSample] {
    switch member.instrument {
    case .counter(let counter): [MetricSample(name: name, labels: member.labels, value: Double(counter.value))]
    case .doubleCounter(let counter): [MetricSample(name: name, labels: member.labels, value: counter.value)]
    case .gauge(let gauge): [MetricSample(name: name, labels: member.labels, value: gauge.value)]
    case .histogram(let histogram):
      samples(of: histogram, labels: member.labels, named: name, waitsForUse: member.waitsForUse)
    case .summary(let summary): summary.samples(named: name, labels: member.labels)
    case .collector(let read): read().map { MetricSample(name: name, labels: $0.labels, value: $0.value) }
    }
  }

  private static func samples(
    of histogram: HistogramMetric, labels: MetricLabels, named name: String, waitsForUse: Bool
  ) -> [MetricSample] {
    let (cumulative, sum) = histogram.snapshot()
    if waitsForUse && cumulative.last == 0 { return [] }
    let bounds = histogram.upperBounds.map(MetricNumberText.text) + ["+Inf"]
    var samples = zip(bounds, cumulative).map { bound, count in
      MetricSample(name: name + "_bucket", labels: labels + [("le", bound)], value: Double(count))
    }
    samples.append(MetricSample(name: name + "_sum", labels: labels, value: sum))
    samples.append(MetricSample(name: name + "_count", labels: labels, value: Double(cumulative.last ?? 0)))
    return samples
  }
}
