import Format
import Model
import PromQL

/// The samples of the usual mix into chunks and out again.
func chunkLoops(_ columns: MicroColumns) -> [MicroLoop] {
  let bench = ChunkBench(columns)
  let samples = MicroColumns.seriesCount * MicroColumns.samples
  return [
    MicroLoop(name: "XOR encode", item: "sample", items: samples) { bench.encode() },
    MicroLoop(name: "XOR decode", item: "sample", items: samples) { bench.decode() },
  ]
}

/// A chunk for each series. One thread's.
private final class ChunkBench {
  private static let chunkBytesMax = 4096

  private let columns: MicroColumns
  private let bytes: UnsafeMutablePointer<UInt8>
  private var counts: [Int]
  private let times: UnsafeMutablePointer<Int64>
  private let values: UnsafeMutablePointer<UInt64>

  init(_ columns: MicroColumns) {
    self.columns = columns
    bytes = .allocate(capacity: MicroColumns.seriesCount * Self.chunkBytesMax)
    bytes.initialize(repeating: 0, count: MicroColumns.seriesCount * Self.chunkBytesMax)
    counts = Array(repeating: 0, count: MicroColumns.seriesCount)
    times = .allocate(capacity: MicroColumns.samples)
    values = .allocate(capacity: MicroColumns.samples)
    _ = encode()
  }

  deinit {
    bytes.deallocate()
    times.deallocate()
    values.deallocate()
  }

  func encode() -> UInt64 {
    var hash: UInt64 = 0
    for series in 0..<MicroColumns.seriesCount {
      let base = bytes + series * Self.chunkBytesMax
      var tail = XORTail()
      columns.times.withUnsafeBufferPointer { times in
        columns.values[series].withUnsafeBufferPointer { values in
          XORChunk.start(
            time: times[0], value: values[0].bitPattern, tail: &tail, at: base, capacity: Self.chunkBytesMax)
          for index in 1..<times.count {
            _ = XORChunk.append(
              time: times[index], value: values[index].bitPattern, to: &tail, at: base, capacity: Self.chunkBytesMax)
          }
        }
      }
      counts[series] = tail.byteCount
      mix(UInt64(tail.byteCount), into: &hash)
      mix(UInt64(base[tail.byteCount - 1]), into: &hash)
    }
    return hash
  }

  func decode() -> UInt64 {
    var hash: UInt64 = 0
    for series in 0..<MicroColumns.seriesCount {
      let chunk = UnsafeRawBufferPointer(start: bytes + series * Self.chunkBytesMax, count: counts[series])
      let count = XORChunk.decode(chunk, times: times, values: values)
      mix(UInt64(count), into: &hash)
      mix(values[count - 1] ^ UInt64(bitPattern: times[count - 1]), into: &hash)
    }
    return hash
  }
}

/// Windows of `rate` at each sample of each counter, through the engine: what lies around the kernel counts as well.
func rateLoop(_ columns: MicroColumns) -> MicroLoop {
  let counters = columns.values.indices.filter { columns.workload.kind(of: $0) == .counter }
  let source = ColumnSource(
    labels: counters.map { Labels([("__name__", "m"), ("i", "\($0)")]) },
    columns: counters.map { series in
      var column = SampleColumn()
      for (time, value) in zip(columns.times, columns.values[series]) { column.append(time, value) }
      return column
    })
  let engine = Engine()
  return MicroLoop(name: "rate of 5 minutes", item: "window", items: counters.count * MicroColumns.samples) {
    let result = try engine.range(
      "rate(m[5m])", start: columns.times[0], end: columns.times[columns.times.count - 1],
      step: columns.workload.intervalMilliseconds, over: source)
    guard case .matrix(let series) = result.value else { throw Trial.Failure(description: "no matrix") }
    var hash = UInt64(series.count)
    for one in series { mix(one.samples.values.last?.bitPattern ?? 0, into: &hash) }
    return hash
  }
}

/// Series in memory. A plain value.
private struct ColumnSource: SeriesSource, SeriesSelection {
  var labels: [Labels]
  var columns: [SampleColumn]

  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection { self }

  var count: Int { labels.count }
  func labels(_ index: Int) -> Labels { labels[index] }
  func makeReader() -> any SeriesReader { ColumnReader(self) }
}

private final class ColumnReader: SeriesReader {
  private let source: ColumnSource

  init(_ source: ColumnSource) { self.source = source }

  func read(_ index: Int, into column: inout SampleColumn) throws(QueryError) {
    column.timestamps += source.columns[index].timestamps
    column.values += source.columns[index].values
  }
}
