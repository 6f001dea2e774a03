import Format
import Model
import TestKit
import Testing

/// Rows made in memory are the rows that a scanner reads from a body of the same series.
@Suite struct MemoryRowsTests {
  private func fill(_ rows: inout WriteRequestRows, _ random: inout RandomSource, _ round: Int) -> ReadRequest {
    var expected = ReadRequest()
    for number in 0..<random.below(8) {
      let labels = (0..<random.below(5)).map { _ in
        (name: "n\(random.below(1000))", value: String(repeating: "vä", count: random.below(round + 100)))
      }
      var series = ReadRequest.Series(labels: labels.flatMap { [Array($0.name.utf8), Array($0.value.utf8)] })
      rows.beginSeries()
      for label in labels { rows.appendLabel(label.name, label.value) }
      for _ in 0..<random.below(3) {
        series.times.append(Int64(bitPattern: random.next()))
        series.values.append(random.next())
        rows.appendSample(time: series.times.last ?? 0, value: Double(bitPattern: series.values.last ?? 0))
      }
      for _ in 0..<random.below(3) {
        series.exemplars += 1
        rows.appendExemplar([("trace_id", "t\(number)")], time: 1, value: 0.5)
      }
      for _ in 0..<random.below(3) {
        series.histograms += 1
        rows.appendHistogram(HistogramMessage(Int64(number), histogram(random.below(9)), isFloat: random.below(2) == 0))
      }
      rows.endSeries(.stable)
      if random.below(3) == 0 {
        expected.metadata += 1
        rows.appendMetadata(kind: 1, name: "m\(number)", help: "Helps.", unit: "")
      }
      expected.series.append(series)
    }
    return expected
  }

  private func histogram(_ size: Int) -> Histogram {
    var histogram = Histogram()
    histogram.schema = 2
    histogram.sum = 1.5
    histogram.positiveSpans = [BucketSpan(offset: -1, length: UInt32(size))]
    histogram.positiveBuckets = (0..<size).map { Double($0 * 3 % 7) }
    histogram.count = histogram.positiveBuckets.reduce(0, +)
    return histogram
  }

  @Test("their body holds what was put in, by protobuf-c's reading, and reads back as the same rows")
  func body() throws {
    var random = RandomSource(for: "rows made in memory")
    var made = WriteRequestRows()
    var fields = LabelFields()
    for round in 0..<100 {
      made.removeAll()
      let expected = fill(&made, &random, round)
      let body = made.body()
      #expect(oracleReading(body) == expected)
      try body.withUnsafeBytes { bytes in
        var read = WriteRequestRows()
        #expect(scannerReading(bytes, &read, &fields)?.request == expected)
        try WriteRequestScanner.scan(bytes, key: .stable, into: &read)
        #expect(read.elementCount == made.elementCount && read.rows.count == made.rows.count)
        for index in 0..<read.rows.count {
          let (one, two) = (read.rows[index], made.rows[index])
          #expect((one.hashHigh, one.hashLow) == (two.hashHigh, two.hashLow))
          #expect((one.sampleStart, one.sampleCount) == (two.sampleStart, two.sampleCount))
          #expect(one.flags | WriteRow.isGathered == two.flags)
          #expect(read.labels(of: one, in: bytes).elementsEqual(made.labels(of: two, in: bytes)))
        }
        for part in 0..<read.histograms.count {
          let one = read.histogram(read.histograms[part], in: bytes)
          let two = made.histogram(made.histograms[part], in: bytes)
          #expect(one?.histogram == two?.histogram && one?.isFloat == two?.isFloat && one?.timestamp == two?.timestamp)
        }
        for part in 0..<read.exemplars.count {
          #expect(read.exemplars[part].row == made.exemplars[part].row)
          #expect(text(read.exemplars[part], read, bytes) == text(made.exemplars[part], made, bytes))
        }
        for part in 0..<read.metadata.count {
          #expect(text(read.metadata[part], read, bytes) == text(made.metadata[part], made, bytes))
        }
      }
    }
  }

  private func text(
    _ part: WritePart, _ rows: borrowing WriteRequestRows, _ body: UnsafeRawBufferPointer
  ) -> [UInt8] {
    Array(rows.messages(in: body)[Int(part.offset)..<(Int(part.offset) + Int(part.length))])
  }
}
