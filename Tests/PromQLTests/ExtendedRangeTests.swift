import Model
import Testing

@testable import PromQL

/// What an `anchored` or `smoothed` range vector is as the result of a query. The packaged reference is older than these.
struct ExtendedRangeTests {
  private static let engine: Engine = {
    var options = EngineOptions()
    options.parser = .all
    return Engine(options: options)
  }()

  /// A sample every ten seconds, but one of a histogram.
  private static let store: ScriptStore = {
    var store = ScriptStore()
    for (step, value) in [0, 1, 2, 5, 7].enumerated() {
      store.append(ScriptStore.labels("m", []), Int64(step) * 10_000, .float(Double(value)))
    }
    var histogram = Histogram()
    histogram.count = 1
    store.append(ScriptStore.labels("h", []), 10_000, .histogram(histogram, hasHint: false))
    store.settle()
    return store
  }()

  private func samples(_ query: String, at time: Int64) throws -> [Int64: Double] {
    let result = try Self.engine.instant(query, at: time, over: Self.store)
    guard case .matrix(let series) = result.value, series.count < 2 else {
      Issue.record("\(query): \(result.value)")
      return [:]
    }
    guard let one = series.first else { return [:] }
    return Dictionary(uniqueKeysWithValues: zip(one.samples.timestamps, one.samples.values))
  }

  @Test("both ends of the window are samples: the last ones before them, or what lies between two")
  func ends() throws {
    #expect(try samples("m[20s] anchored", at: 25_000) == [5_000: 0, 10_000: 1, 20_000: 2, 25_000: 2])
    #expect(try samples("m[20s] smoothed", at: 25_000) == [5_000: 0.5, 10_000: 1, 20_000: 2, 25_000: 3.5])
    // On the samples themselves there is nothing to extend.
    #expect(try samples("m[20s] anchored", at: 30_000) == [10_000: 1, 20_000: 2, 30_000: 5])
    #expect(try samples("m[20s] smoothed", at: 30_000) == [10_000: 1, 20_000: 2, 30_000: 5])
  }

  @Test("beyond all samples the nearest one stands at the end, and nothing stands in a window behind the last")
  func beyond() throws {
    #expect(try samples("m[20s] anchored", at: 5_000) == [-15_000: 0, 0: 0, 5_000: 0])
    #expect(try samples("m[5s] anchored", at: 50_000).isEmpty)
    #expect(try samples("m[5s] smoothed offset 1m", at: 50_000) == [-15_000: 0, -10_000: 0])
  }

  @Test("histograms are refused, as they are there")
  func histograms() throws {
    for word in ["anchored", "smoothed"] {
      #expect(throws: QueryError.execution("\(word) modifier is not supported with histograms")) {
        try samples("h[20s] \(word)", at: 20_000)
      }
    }
  }
}
