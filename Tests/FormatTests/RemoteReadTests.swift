import CProtobuf
import Format
import Model
import TestKit
import Testing

@Suite struct RemoteReadTests {
  private func read(_ message: [UInt8]) throws(RemoteReadRequest.ReadError) -> RemoteReadRequest {
    let result: Result<RemoteReadRequest, RemoteReadRequest.ReadError> = message.withUnsafeBytes { bytes in
      do throws(RemoteReadRequest.ReadError) {
        return .success(try RemoteReadRequest(bytes))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func request(_ kinds: [UInt64], types: [UInt64] = []) throws -> [UInt8] {
    let body = RemoteReadBody.request(
      start: -5, end: 1_700_000_000_000, matchers: kinds.map { ($0, "n", "v") }, types: types)
    return try #require(snappyDecompressed(body))
  }

  @Test("a request is read: times, matchers, and the first kind of answer that is known")
  func requests() throws {
    let whole = try read(try request([0, 1, 2, 3]))
    let matchers: [Matcher] = [MatchKind.equal, .notEqual, .regex, .notRegex].map { Matcher($0, "n", "v") }
    #expect(whole.queries == [.init(start: -5, end: 1_700_000_000_000, matchers: matchers)] && !whole.wantsChunks)
    #expect(try read(try request([], types: [1])).wantsChunks)
    #expect(try read(try request([], types: [0, 1])).wantsChunks == false)
    #expect(try read(try request([], types: [7, 1])).wantsChunks)
    #expect(throws: RemoteReadRequest.ReadError.unknownMatcher) { try read(try request([4])) }
    #expect(try read([]).queries.isEmpty)
  }

  @Test("any mutation of a request is read or refused")
  func mutations() throws {
    var random = RandomSource(for: "remote-read requests")
    let message = try request([0, 2], types: [1])
    for _ in 0..<20_000 {
      var bytes = message
      for _ in 0..<(1 + random.below(4)) {
        switch random.below(3) {
        case 0: bytes[random.below(bytes.count)] = UInt8(random.below(256))
        case 1: bytes.insert(UInt8(random.below(256)), at: random.below(bytes.count + 1))
        default: if bytes.count > 1 { bytes.remove(at: random.below(bytes.count)) }
        }
      }
      _ = try? read(bytes)
    }
  }

  @Test("samples and frames are what protobuf-c reads")
  func answers() throws {
    var random = RandomSource(for: "remote-read answers")
    for round in 0..<200 {
      let labels = Labels((0..<random.below(5)).map { (name: "n\($0)", value: "v\(random.below(9))") })
      let count = random.below(500)
      var time = Int64(random.below(1000)) - 500
      var times: [Int64] = []
      var values: [Double] = []
      for _ in 0..<count {
        times.append(time)
        values.append([0, -0.0, 1.5, .infinity, Double(random.below(100))][random.below(5)])
        time += Int64([1, 15_000, 5_000_000_000][random.below(3)])
      }
      var writer = RemoteReadWriter()
      var result = ByteBuffer()
      writer.appendSeries(labels, times, values, to: &result)
      var response = ByteBuffer()
      RemoteReadWriter.appendField(0x0a, result.bytes, to: &response)
      checkSamples(response.bytes, labels, times, values, round)
      checkFrame(&writer, labels, times, values, round)
    }
  }

  private func checkSamples(
    _ bytes: UnsafeRawBufferPointer, _ labels: Labels, _ times: [Int64], _ values: [Double], _ round: Int
  ) {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard let read = prometheus__read_response__unpack(nil, bytes.count, start) else {
      Issue.record("round \(round): not read")
      return
    }
    defer { prometheus__read_response__free_unpacked(read, nil) }
    let series = read.pointee.results[0]!.pointee.timeseries[0]!.pointee
    let samples = (0..<series.n_samples).map { series.samples[$0]!.pointee }
    #expect(samples.map(\.timestamp) == times && samples.map(\.value.bitPattern) == values.map(\.bitPattern))
    let pairs = (0..<series.n_labels).map { index in
      let label = series.labels[index]!.pointee
      return (name: String(cString: label.name), value: String(cString: label.value))
    }
    #expect(Labels(pairs) == labels)
  }

  private func checkFrame(
    _ writer: inout RemoteReadWriter, _ labels: Labels, _ times: [Int64], _ values: [Double], _ round: Int
  ) {
    var cutter = ChunkCutter()
    var frame = ByteBuffer()
    writer.beginFrame(labels)
    cutter.cut(times, values) { writer.appendChunk(from: $0, through: $1, $2) }
    writer.endFrame(query: round, into: &frame)
    var reader = Array(frame.bytes)[...]
    var length = 0
    var shift = 0
    while let byte = reader.popFirst() {
      length |= Int(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    let sum = reader.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let message = Array(reader.dropFirst(4))
    #expect(message.count == length && message.withUnsafeBytes { checksum($0) } == sum)
    guard let read = prometheus__chunked_read_response__unpack(nil, message.count, message) else {
      Issue.record("round \(round): the frame is not read")
      return
    }
    defer { prometheus__chunked_read_response__free_unpacked(read, nil) }
    #expect(read.pointee.query_index == Int64(round))
    let series = read.pointee.chunked_series[0]!.pointee
    var foundTimes: [Int64] = []
    var foundValues: [UInt64] = []
    for index in 0..<series.n_chunks {
      let chunk = series.chunks[index]!.pointee
      let bytes = UnsafeRawBufferPointer(start: chunk.data.data, count: chunk.data.len)
      let count = XORChunk.count(of: bytes) ?? 0
      var chunkTimes = [Int64](repeating: 0, count: count)
      var chunkValues = [UInt64](repeating: 0, count: count)
      let decoded = chunkTimes.withUnsafeMutableBufferPointer { times in
        chunkValues.withUnsafeMutableBufferPointer { values in
          XORChunk.decode(bytes, times: times.baseAddress!, values: values.baseAddress!)
        }
      }
      #expect(decoded == count && count <= ChunkCutter.samplesMax)
      #expect(chunk.min_time_ms == chunkTimes.first && chunk.max_time_ms == chunkTimes.last)
      foundTimes += chunkTimes
      foundValues += chunkValues
    }
    #expect(foundTimes == times && foundValues == values.map(\.bitPattern))
  }

  @Test("metadata messages are what protobuf-c reads, whole and broken")
  func metadata() {
    var random = RandomSource(for: "metadata messages")
    var body = RemoteWriteBody()
    body.add(metadata: "name", kind: 3, help: "héłp", unit: "s")
    let message = RemoteReadBody.fields(body.message)[0]
    for _ in 0..<20_000 {
      var bytes = message
      for _ in 0..<random.below(3) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
      let own = bytes.withUnsafeBytes { MetadataMessage($0) }
      guard let own, let read = prometheus__metric_metadata__unpack(nil, bytes.count, bytes) else { continue }
      defer { prometheus__metric_metadata__free_unpacked(read, nil) }
      // A text with a zero inside ends there for the library.
      if [own.name, own.help, own.unit].contains(where: { $0.utf8.contains(0) }) { continue }
      #expect(String(cString: read.pointee.metric_family_name) == own.name)
      #expect(String(cString: read.pointee.help) == own.help && String(cString: read.pointee.unit) == own.unit)
    }
  }
}
