import Model

// Selectors read their series here: several at a time where there are threads for it, and hand results on in the order of
// the selection, so that sums come out the same with any number of threads.

/// The result that a selector makes of one of its series.
protocol SeriesLeaf: Sendable {
  /// Fills the empty column of `series` from its samples; false where nothing comes of it. Annotations go to `context`.
  func fill(
    _ series: inout ResultSeries, from samples: inout SampleColumn, _ context: QueryContext
  ) throws(QueryError) -> Bool
}

extension Evaluator {
  /// Series that are read by one thread in one go; how they are cut does not depend on the number of threads. Fewer where the
  /// columns are long, so that a batch has some megabytes at most.
  fileprivate var seriesPerBatch: Int { max(1, min(16, (1 << 20) / max(1, grid.count))) }
  /// Batches that are worked on between two visits to the sink, for each thread.
  private static let batchesPerWorker = 4

  func sweep(
    _ selection: any SeriesSelection, _ leaf: some SeriesLeaf, _ sink: Sink
  ) throws(QueryError) {
    let seriesPerBatch = seriesPerBatch
    let batchCount = (selection.count + seriesPerBatch - 1) / seriesPerBatch
    if batchCount == 0 { return }
    // The first batch alone, which also tells whether the rest is worth waking others for.
    var batches = [SeriesBatch(selection, leaf, self)]
    defer { for batch in batches { batch.release() } }
    batches[0].run(0)
    let samples = batches[0].samplesRead * (batchCount - 1)
    let workers = samples >= context.limits.samplesWorthSharing ? context.limits.workers : nil
    try batches[0].hand(to: sink, context)
    let width = min(batchCount - 1, workers.map { $0.count * Evaluator.batchesPerWorker } ?? 1)
    while batches.count < width { batches.append(SeriesBatch(selection, leaf, self)) }
    let all = batches
    var first = 1
    while first < batchCount {
      let count = min(width, batchCount - first)
      let start = first
      if let workers, count > 1 {
        workers.forEach(count) { all[$0].run(start + $0) }
      } else {
        for place in 0..<count { all[place].run(start + place) }
      }
      for place in 0..<count { try all[place].hand(to: sink, context) }
      first += count
    }
  }
}

/// Some series in a row: what is made of them, and the memory for it, used again for the next ones.
/// Invariant: either one worker runs it or the evaluating thread hands its results on, never both.
private final class SeriesBatch<Leaf: SeriesLeaf>: @unchecked Sendable {
  private let selection: any SeriesSelection
  private let reader: any SeriesReader
  private let leaf: Leaf
  private let context: QueryContext
  private let steps: Int
  private let size: Int
  /// The columns of the results, which stay, and the histograms in them, which go with the next run.
  private let columns: Holding
  private let histograms: Holding
  private var samples = SampleColumn()
  private var results: [ResultSeries] = []
  /// Samples that were read for each result; nil where there is none.
  private var loaded: [Int?] = []
  private var failure: QueryError?
  /// Samples that the last run read.
  private(set) var samplesRead = 0

  init(_ selection: any SeriesSelection, _ leaf: Leaf, _ evaluator: Evaluator) {
    self.selection = selection
    self.leaf = leaf
    reader = selection.makeReader()
    context = evaluator.context.part()
    steps = evaluator.grid.count
    size = evaluator.seriesPerBatch
    columns = Holding(context)
    histograms = Holding(context)
  }

  func release() {
    columns.release()
    histograms.release()
  }

  func run(_ number: Int) {
    let first = number * size
    let count = min(size, selection.count - first)
    histograms.release()
    loaded.removeAll(keepingCapacity: true)
    failure = nil
    samplesRead = 0
    do throws(QueryError) {
      for offset in 0..<count { try read(first + offset, into: offset) }
    } catch {
      failure = error
    }
  }

  private func read(_ index: Int, into place: Int) throws(QueryError) {
    try context.checkStop()
    samples.removeAll()
    try reader.read(index, into: &samples)
    if place == results.count {
      try columns.add(bytes: StepColumn.byteCount(steps: steps))
      results.append(ResultSeries(labels: .empty, column: StepColumn(count: steps)))
    }
    if samples.isEmpty { return loaded.append(nil) }
    let count = samples.count
    samplesRead += count
    let bytes = samples.byteCount
    try context.budget.charge(bytes)
    defer { context.budget.release(bytes) }
    try context.hold(count)
    defer { context.release(count) }
    results[place].labels = selection.labels(index)
    results[place].dropsName = false
    results[place].column.clear()
    let isFilled = try leaf.fill(&results[place], from: &samples, context)
    if !results[place].column.histograms.isEmpty {
      try histograms.add(bytes: results[place].column.histogramByteCount)
    }
    loaded.append(isFilled ? count : nil)
  }

  /// Hands the results to the sink. Called on the evaluating thread.
  func hand(to sink: Evaluator.Sink, _ whole: QueryContext) throws(QueryError) {
    whole.absorb(context)
    for (place, count) in loaded.enumerated() {
      guard let count else { continue }
      try whole.hold(count)
      whole.release(count)
      try sink(results[place])
    }
    if let failure { throw failure }
  }
}
