import Format
import Model
import TestKit
import Testing

@Suite struct RemoteWriteScannerTests {
  @Test("every valid request is read as protobuf-c reads it")
  func validRequests() throws {
    var maker = RequestMaker(random: RandomSource(for: "valid write requests"))
    let memory = GuardedMemory(bytesMax: 64 << 10)
    var rows = WriteRequestRows()
    var labels = LabelFields()
    var seriesSeen = 0
    for _ in 0..<2000 {
      let body = maker.request()
      let expected = try #require(oracleReading(body), "the maker made a bad request: \(body)")
      let reading = scannerReading(memory.lay(body), &rows, &labels)
      let read = try #require(reading, "refused: \(body)")
      #expect(read.badLabels.isEmpty)
      guard read.request == expected else {
        Issue.record("read otherwise: \(body)")
        return
      }
      seriesSeen += read.request.series.count
    }
    #expect(seriesSeen > 2000)
  }

  @Test("a number of every length is read as protobuf-c reads it, wherever the bytes end behind it")
  func numbers() throws {
    let maker = RequestMaker(random: RandomSource(for: "numbers"))
    let memory = GuardedMemory(bytesMax: 4096)
    var rows = WriteRequestRows()
    var labels = LabelFields()
    let name = maker.field(1, maker.field(1, Array("__name__".utf8)) + maker.field(2, Array("m".utf8)))
    for bit in 0..<64 as Range<UInt64> {
      for value in [1 << bit, (1 << bit) &- 1, 0x5bd1_e995_2b7e_1516 & ((2 << bit) &- 1)] as [UInt64] {
        for (padding, behind) in [(0, 0), (0, 1), (0, 4), (0, 9), (1, 0), (2, 3), (1, 9)] {
          let bytes = maker.varint(value, padding: padding)
          if bytes.count > 10 { continue }
          let unknown = [[UInt8]](repeating: [0x78, 1], count: behind).flatMap { $0 }
          let body = maker.field(1, name + maker.field(2, [0x10] + bytes + unknown))
          let read = scannerReading(memory.lay(body), &rows, &labels)?.request
          let expected = try #require(oracleReading(body))
          #expect(read == expected, "\(value) \(padding) \(behind)")
          #expect(rows.times[0] == Int64(bitPattern: value))
        }
      }
    }
  }

  @Test("a damaged request is refused or read as protobuf-c reads it, and nothing behind it is touched")
  func damagedRequests() throws {
    var maker = RequestMaker(random: RandomSource(for: "damaged write requests"))
    let memory = GuardedMemory(bytesMax: 64 << 10)
    var rows = WriteRequestRows()
    var labels = LabelFields()
    var verdicts: [String: Int] = [:]
    for _ in 0..<3000 {
      let body = maker.damaged(maker.request())
      var reference = ReferenceReader()
      let wanted = try? reference.read(body)
      let read = scannerReading(memory.lay(body), &rows, &labels)
      let oracle = oracleReading(body)
      guard (read == nil) == (wanted == nil), read?.badLabels == wanted?.badLabels else {
        Issue.record("the specification says \(wanted == nil ? "no" : "yes"), the scanner does not: \(body)")
        return
      }
      if let read, let wanted, read.badLabels.isEmpty, read.request != wanted.request {
        Issue.record("read otherwise than by the specification: \(body)")
        return
      }
      let accepted = read != nil && read?.badLabels.isEmpty == true
      if accepted != (oracle != nil), reference.oddities.isEmpty {
        Issue.record("protobuf-c says otherwise for no known reason: \(body)")
        return
      }
      if accepted, let oracle, read?.request.asStrings != oracle {
        Issue.record("protobuf-c reads otherwise: \(body)")
        return
      }
      let verdict = "\(accepted ? "accepted" : "refused"), protobuf-c \(oracle == nil ? "refuses" : "accepts")"
      verdicts[verdict, default: 0] += 1
    }
    print("verdicts on damaged write requests: \(verdicts.sorted { $0.key < $1.key })")
    #expect(verdicts["accepted, protobuf-c accepts", default: 0] > 100)
    #expect(verdicts["refused, protobuf-c refuses", default: 0] > 100)
  }

  @Test("every cut of a request is refused or read as protobuf-c reads it")
  func everyCut() {
    var maker = RequestMaker(random: RandomSource(for: "cut write requests"))
    let memory = GuardedMemory(bytesMax: 64 << 10)
    var rows = WriteRequestRows()
    var labels = LabelFields()
    for _ in 0..<40 {
      let body = maker.request()
      for length in 0...body.count {
        let cut = Array(body.prefix(length))
        let read = scannerReading(memory.lay(cut), &rows, &labels)
        #expect(read?.request == oracleReading(cut), "\(cut)")
      }
    }
  }

  @Test(
    "what the specification forbids is refused",
    arguments: [
      ([0x0a], "a tag without a length"),
      ([0x0a, 0x05, 0x00], "a length beyond the end"),
      ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "a length of 64 bits"),
      ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "a varint of eleven bytes"),
      ([0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02], "a varint of 65 bits"),
      ([0x08, 0x01], "timeseries as a number"),
      ([0x0d, 1, 2, 3, 4], "timeseries as 32 bits"),
      ([0x18, 0x01], "metadata as a number"),
      ([0x0b, 0x0c], "a group"),
      ([0x0e], "wire type 6"),
      ([0x0f], "wire type 7"),
      ([0x02, 0x00], "field number 0"),
      ([0x0a, 0x02, 0x12, 0x05], "a sample beyond its series"),
      ([0x0a, 0x04, 0x12, 0x02, 0x0a, 0x00], "a value as bytes"),
      ([0x0a, 0x04, 0x12, 0x02, 0x08, 0x00], "a value as varint"),
      ([0x0a, 0x06, 0x12, 0x04, 0x09, 1, 2, 3], "a value of three bytes"),
      ([0x0a, 0x04, 0x12, 0x02, 0x10, 0x80], "a time that is cut"),
      ([0x0a, 0x04, 0x12, 0x02, 0x12, 0x00], "a time as bytes"),
      ([0x0a, 0x02, 0x10, 0x01], "samples as a number"),
      ([0x0a, 0x02, 0x08, 0x01], "labels as a number"),
      ([0x0a, 0x02, 0x18, 0x01], "exemplars as a number"),
      ([0x0a, 0x02, 0x20, 0x01], "histograms as a number"),
    ] as [([UInt8], String)])
  func forbidden(_ body: [UInt8], _ what: String) {
    let memory = GuardedMemory(bytesMax: 4096)
    var rows = WriteRequestRows()
    var labels = LabelFields()
    let isRefused = scannerReading(memory.lay(body), &rows, &labels) == nil
    #expect(isRefused, "\(what)")
  }

  @Test("an error names the kind of fault and where it lies")
  func errorText() {
    var rows = WriteRequestRows()
    let cut: [UInt8] = [0x1a, 0x00, 0x0a, 0x7f]
    cut.withUnsafeBytes { cut in
      do throws(WriteRequestError) {
        try WriteRequestScanner.scan(cut, key: .stable, into: &rows)
        Issue.record("a cut body was accepted")
      } catch {
        #expect(error.description == "timeseries is cut at byte 4")
      }
    }
  }

  @Test("labels behind samples give the same hash as labels before them")
  func gatheredLabels() throws {
    let maker = RequestMaker(random: RandomSource(seed: 1))
    let one = maker.field(1, maker.field(1, [97]) + maker.field(2, [98]))
    let two = maker.field(1, maker.field(1, [99]) + maker.field(2, [100]))
    let sample: [UInt8] = maker.field(2, [0x10, 0x05])
    var hashes: Set<KeyedHash128> = []
    var rows = WriteRequestRows()
    for series in [one + two + sample, one + sample + two, sample + one + two, one + sample + two + sample] {
      let body = maker.field(1, series) + maker.field(1, one)
      try body.withUnsafeBytes { body in
        try WriteRequestScanner.scan(body, key: .stable, into: &rows)
        let gathered = Array(rows.labels(of: rows.rows[0], in: body))
        let plain = Array(rows.labels(of: rows.rows[1], in: body))
        #expect(gathered == one + two && plain == one)
        hashes.insert(KeyedHash128(low: UInt64(rows.rows[0].hashLow), high: rows.rows[0].hashHigh))
      }
    }
    #expect(hashes.count == 1)
  }
}
