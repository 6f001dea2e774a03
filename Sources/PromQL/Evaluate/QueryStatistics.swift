/// The cost of a query: samples that were looked at, and time. A plain value.
package struct QueryStatistics: Sendable {
  /// Samples that went into the answer, each as often as a step looked at it.
  package var samplesTotal = 0
  /// Series that the selectors found, each as often as a selector asked for it, with or without samples.
  package var seriesFound = 0
  /// The most samples held at once.
  package var samplesPeak = 0
  /// The most bytes held at once, by the estimates of `QueryBudget.swift`.
  package var bytesPeak = 0
  /// The share of each step in `samplesTotal`; empty unless `tellsSamplesPerStep`.
  package var samplesPerStep: [Int] = []
  /// The first step of `samplesPerStep` and the distance of steps, in milliseconds.
  package var firstStep: Int64 = 0
  package var stepInterval: Int64 = 0
  /// Seconds of waiting for a thread; known to the caller.
  package var queuedSeconds = 0.0
  /// Seconds of reading the text, of evaluating, and of putting the result in order.
  package var preparationSeconds = 0.0
  package var evaluationSeconds = 0.0
  package var sortingSeconds = 0.0
}

/// Counts samples while a query runs. Part of its context.
struct SampleCounter {
  private(set) var total = 0
  private(set) var perStep: [Int]
  /// True inside a subquery: the windows over its result count its samples.
  var isMuted = false
  /// True if samples are counted by step: only on the grid of the whole query.
  var tellsSteps: Bool

  init(steps: Int?) {
    perStep = [Int](repeating: 0, count: steps ?? 0)
    tellsSteps = steps != nil
  }

  /// An empty counter for a part of the query that counts for itself and is added later.
  var empty: SampleCounter {
    var other = self
    other.total = 0
    other.perStep = [Int](repeating: 0, count: tellsSteps && !isMuted ? perStep.count : 0)
    return other
  }

  mutating func add(_ samples: Int) { if !isMuted { total += samples } }

  mutating func add(_ samples: Int, at step: Int) {
    if isMuted { return }
    total += samples
    if tellsSteps { perStep[step] += samples }
  }

  /// One sample at each step of the set.
  mutating func add(_ steps: StepSet, _ count: Int) {
    add(count)
    if tellsSteps, !isMuted { steps.forEach { perStep[$0] += 1 } }
  }

  mutating func add(_ other: SampleCounter) {
    total += other.total
    for step in other.perStep.indices { perStep[step] += other.perStep[step] }
  }

  /// Something was evaluated once for all steps: from `before` on, all that was counted is so at each of them.
  mutating func repeatSince(_ before: Int, steps: Int) {
    let once = total - before
    total += once * (steps - 1)
    if tellsSteps, !isMuted { for step in perStep.indices { perStep[step] += once } }
  }
}
