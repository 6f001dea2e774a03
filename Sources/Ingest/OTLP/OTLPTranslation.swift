import Format
import Model

/// Translates one push into rows, metric by metric. Lives as long as the push; one thread's.
///
/// It counts and names what it cannot translate, and goes on with the rest. It hands rows over in slices, so that a
/// metric whose labels repeat for each of its buckets never lies in memory as a whole.
struct OTLPTranslation: ~Copyable {
  /// A slice is handed over once it is larger.
  static let sliceBytes = 4 << 20
  /// Samples of `target_info` for one resource in one push.
  static let targetSamplesMax: UInt64 = 1000

  let options: OTLPOptions
  let deltas: DeltaAccumulator
  let now: Int64
  /// The newest timestamp that the head takes, in milliseconds.
  let newest: Int64
  /// The key under which the labels of rows are hashed.
  let key: KeyedHash
  var rows = WriteRequestRows()
  private(set) var rejectedPoints = 0
  /// Deltas that need no sample: repetitions, and late ones that the next sum includes.
  var countedPoints = 0
  private(set) var refusals = Refusals()
  private let handOver: (inout WriteRequestRows) -> Bool
  /// False once the intake could not store a slice for now: the push ends there.
  private(set) var goesOn = true

  /// `handOver` takes one slice; false where the push had better end.
  init(
    _ options: OTLPOptions, _ deltas: DeltaAccumulator, now: Int64, newest: Int64, key: KeyedHash,
    handOver: @escaping (inout WriteRequestRows) -> Bool
  ) {
    self.options = options
    self.deltas = deltas
    self.now = now
    self.newest = newest
    self.key = key
    self.handOver = handOver
  }

  mutating func translate(_ request: OTLPRequest) {
    for resource in request.resources {
      if !goesOn { return }
      do throws(OTLPError) {
        try translate(resource)
      } catch {
        reject(error, points: resource.scopes.reduce(0) { $0 + $1.metrics.reduce(0) { $0 + $1.count } })
      }
    }
    flush(atLeast: 1)
  }

  private mutating func translate(_ resource: OTLPResource) throws(OTLPError) {
    var context = try OTLPContext(resource, options)
    var (earliest, latest) = (UInt64.max, UInt64(0))
    for scope in resource.scopes {
      do throws(OTLPError) {
        try context.enter(scope)
      } catch {
        reject(error, points: scope.metrics.reduce(0) { $0 + $1.count })
        continue
      }
      for metric in scope.metrics {
        if !goesOn { return }
        for time in metric.times {
          earliest = min(earliest, time)
          latest = max(latest, time)
        }
        do throws(OTLPError) {
          try translate(metric, context)
        } catch {
          reject(error, points: metric.count)
        }
      }
    }
    // Points of the future are refused, and so would its samples be.
    latest = min(latest, UInt64(clamping: newest) &* 1_000_000)
    if earliest <= latest, latest > 0 { try addTargetInfo(resource, context, earliest, latest) }
  }

  private mutating func translate(_ metric: OTLPMetric, _ context: OTLPContext) throws(OTLPError) {
    if let temporality = metric.temporality, temporality != .cumulative {
      guard temporality == .delta else {
        throw OTLPError(
          "invalid temporality and type combination for metric \"\(metric.name)\"", reason: "otlp_temporality")
      }
    }
    let name = try OTLPMetricName(options: options).build(metric)
    // Without points there is nothing to store, which harms nobody.
    if metric.count == 0 {
      if metric.points == .none {
        throw OTLPError("unsupported metric type of metric \"\(metric.name)\"", reason: "otlp_unsupported_type")
      }
      return
    }
    rows.appendMetadata(
      kind: OTLPTranslation.metadataKind(metric, options).rawValue, name: name, help: metric.help,
      unit: OTLPUnit(metric.unit).text)
    let isDelta = metric.temporality == .delta
    switch metric.points {
    case .none: break
    case .gauge(let points):
      each(points) { (translation: inout OTLPTranslation, point) throws(OTLPError) in
        try translation.number(point, name, context, isDelta: false, withExemplars: false)
      }
    case .sum(let points, _, _):
      each(points) { (translation: inout OTLPTranslation, point) throws(OTLPError) in
        try translation.number(point, name, context, isDelta: isDelta, withExemplars: true)
      }
    case .histogram(let points, _):
      each(points) { (translation: inout OTLPTranslation, point) throws(OTLPError) in
        try translation.histogram(point, name, context, isDelta: isDelta)
      }
    case .exponential(let points, _):
      each(points) { (translation: inout OTLPTranslation, point) throws(OTLPError) in
        try translation.exponential(point, name, context, isDelta: isDelta)
      }
    case .summary(let points):
      each(points) { (translation: inout OTLPTranslation, point) throws(OTLPError) in
        try translation.summary(point, name, context)
      }
    }
  }

  private mutating func each<Point>(
    _ points: [Point], _ translate: (inout OTLPTranslation, Point) throws(OTLPError) -> Void
  ) {
    for point in points where goesOn {
      do throws(OTLPError) {
        try translate(&self, point)
      } catch {
        reject(error, points: 1)
      }
    }
  }

  private static func metadataKind(_ metric: OTLPMetric, _ options: OTLPOptions) -> MetadataKind {
    if metric.temporality == .delta, options.deltas == .stored { return .unknown }
    switch metric.points {
    case .gauge: return .gauge
    case .sum(_, _, let isMonotonic): return isMonotonic ? .counter : .gauge
    case .histogram, .exponential: return .histogram
    case .summary: return .summary
    case .none: return .unknown
    }
  }

  private enum MetadataKind: UInt32 {
    case unknown = 0
    case counter = 1
    case gauge = 2
    case histogram = 3
    case summary = 5
  }

  // MARK: Writing

  mutating func reject(_ error: OTLPError, points: Int) {
    rejectedPoints += points
    // A metric of an unknown type has points, but nobody knows how many.
    refusals.add(reason: error.reason, samples: max(1, points)) { Offender(error.description) }
  }

  /// Begins a series with these labels and this name.
  mutating func begin(_ name: String, _ labels: OTLPLabelSet) {
    rows.beginSeries()
    rows.appendLabel("__name__", name)
    for label in labels.labels where label.name != "__name__" { rows.appendLabel(label.name, label.value) }
  }

  mutating func end() {
    rows.endSeries(key)
    flush(atLeast: OTLPTranslation.sliceBytes)
  }

  /// A series of one sample.
  mutating func sample(_ name: String, _ labels: OTLPLabelSet, _ point: OTLPPoint, _ value: Double) {
    begin(name, labels)
    rows.appendSample(
      time: OTLPTranslation.milliseconds(point.time), value: point.hasNoRecordedValue ? StaleMarker.value : value)
    end()
  }

  private mutating func flush(atLeast bytes: Int) {
    guard rows.byteCount >= bytes else { return }
    if goesOn { goesOn = handOver(&rows) }
    rows.removeAll()
  }

  static func milliseconds(_ nanoseconds: UInt64) -> Int64 { Int64(bitPattern: nanoseconds) / 1_000_000 }

  // MARK: target_info

  /// Appends the series `target_info` of a resource: a sample where its points begin, one where they end, and in
  /// between as many as queries need to find it. Of a long time only the last `targetSamplesMax` intervals get samples.
  private mutating func addTargetInfo(
    _ resource: OTLPResource, _ context: OTLPContext, _ earliest: UInt64, _ latest: UInt64
  ) throws(OTLPError) {
    let keys = Set(resource.attributes.map(\.key))
    if keys.subtracting(OTLPContext.identifyingAttributes).isEmpty { return }
    let labels = try context.targetLabels(of: resource.attributes)
    if labels["job"].isEmpty && labels["instance"].isEmpty { return }
    let interval = UInt64(max(options.lookbackMilliseconds / 2, 1)) * 1_000_000
    var time = earliest
    if latest - time > interval * OTLPTranslation.targetSamplesMax {
      time = latest - interval * OTLPTranslation.targetSamplesMax
    }
    begin("target_info", labels)
    while time < latest {
      rows.appendSample(time: OTLPTranslation.milliseconds(time), value: 1)
      time += interval
    }
    rows.appendSample(time: OTLPTranslation.milliseconds(latest), value: 1)
    end()
    rows.appendMetadata(kind: MetadataKind.gauge.rawValue, name: "target_info", help: "Target metadata", unit: "")
  }
}
