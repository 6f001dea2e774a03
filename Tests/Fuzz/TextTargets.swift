import Format
import Glibc
import Model
import PlatformSimulation
import PromQL

@testable import API
@testable import HTTP
@testable import Platform
@testable import TSDB

// What people and their tools write: configuration, patterns, durations, exposition.
extension FuzzTarget {
  static let text = [
    FuzzTarget(name: "yaml", seeds: { texts("a: 1", "x: [1, \"b\", {c: ~}]\n# k\n", "s: &a\n  - |\n    t\nu: *a\n") }) {
      _ = try? YAMLDocument.parse(
        Array($0), limits: YAMLDocument.Limits(bytesMax: 1 << 20, depthMax: 64, nodesMax: 10_000))
    },
    // The reader, and the writer: any text that is written as JSON reads as that text.
    FuzzTarget(name: "json", seeds: { texts("{\"a\":[1,-2.5e3,\"\\u00e9\",true,null]}", "[[[]]]") }) { bytes in
      _ = JSONDocument(LentBytes(bytes))
      let text = String(decoding: bytes, as: UTF8.self)
      let written = Array(JSONBuffer.quoted(text).utf8)
      let read = written.lend { JSONDocument($0)?.text }
      precondition(read == text, "a text does not come back")
    },
    FuzzTarget(name: "block-meta", seeds: { texts(FileSeeds.meta) }) { bytes in
      guard let meta = BlockMeta(json: LentBytes(bytes)) else { return }
      precondition(meta.json.lend { BlockMeta(json: $0) } == meta, "a description does not come back")
    },
    // All samples go into blocks, which are whole.
    FuzzTarget(
      name: "openmetrics-import",
      seeds: {
        texts(
          "a 1 1700000000\nb{c=\"d\"} 2 1700007200.5\na 3 1700000015\n# EOF\n", "a 1 -5\na NaN 99999\n# EOF\n",
          "a 1 -9e15\na 2 9e15\n")
      }
    ) { importSamples($0) },
    FuzzTarget(name: "duration", seeds: { texts("1h30m", "5m", "0", "-2w3d", "1y", "9999999999999999999ms") }) {
      bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      guard let milliseconds = DurationText.parse(text) else { return }
      precondition(
        DurationText.parse(DurationText.format(milliseconds)) == milliseconds, "\(text) is not \(milliseconds) ms")
    },
    FuzzTarget(name: "byte-size", seeds: { texts("512MB", "1.5GiB", "1GiB512MiB", "0", "-1B", "9EB", ".5KB") }) {
      bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      guard let size = ByteSizeText.parse(text) else { return }
      // Sizes beyond 2^53 bytes go through a floating-point number.
      guard size.magnitude < 1 << 53 else { return }
      precondition(ByteSizeText.parse(ByteSizeText.format(size)) == size, "\(text) is not \(size) bytes")
    },
    FuzzTarget(
      name: "api-time", seeds: { texts("1700000000.123", "2015-07-01T20:10:30.781+02:00", "-1e9", "1h", "9.3e15") }
    ) { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if let time = RFC3339.parse(text) {
        precondition(RFC3339.parse(TimeText.text(milliseconds: time)) == time || time < 0 || time > 253_402_300_799_999)
        precondition(Parameters.time(text) == time)
      }
      let request = parameter(bytes)
      _ = try? Parameters(request: request).time("a")
      _ = try? Parameters(request: request).optionalTime("a")
      _ = try? Parameters(request: request).bound("a", 0)
      _ = try? Parameters(request: request).duration("a")
      _ = try? Parameters(request: request).limit("a")
    },
    // Eight bytes of a number, written and read; and a text as a number.
    FuzzTarget(
      name: "number", seeds: { [[0, 0, 0, 0, 0, 0, 0xf0, 0x3f], Array("0x1.8p3".utf8), Array("1_000.5e-3".utf8)] }
    ) {
      bytes in
      if bytes.count >= 8 {
        let value = Double(bitPattern: bytes.loadUnaligned(as: UInt64.self))
        var text: [UInt8] = []
        FloatText.append(value, plainFrom: -5, below: 21, to: &text)
        let read = Double(String(decoding: text, as: UTF8.self))
        precondition(read == value || value.isNaN, "\(value) is written as \(String(decoding: text, as: UTF8.self))")
      }
      let text = String(decoding: bytes, as: UTF8.self)
      guard case .number(let number)? = try? Parser.parse(text) else { return }
      precondition(!number.value.isNaN || text.lowercased().contains("nan"), "\(text) is no number")
    },
    FuzzTarget(name: "base64", seeds: { texts("YWJj", "YQ==", "-_8", "") }) { bytes in
      precondition(Base64.decode(Base64.encode(Array(bytes))) == Array(bytes), "bytes do not come back")
      let text = String(decoding: bytes, as: UTF8.self)
      guard let decoded = Base64.decode(text) else { return }
      precondition(Base64.decode(Base64.encode(decoded)) == decoded)
    },
    FuzzTarget(name: "ulid", seeds: { texts("01H00000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ") }) { bytes in
      guard let ulid = ULID(String(decoding: bytes, as: UTF8.self)) else { return }
      precondition(ULID("\(ulid)") == ulid && "\(ulid)".utf8.count == 26 && ulid.milliseconds >= 0)
    },
    FuzzTarget(name: "lock-file", seeds: { texts("apus 1\npid 7\nstart 5\nboot b\nnamespace 3\nhost h\nbeat 1\n") }) {
      bytes in
      guard let record = LockRecord(String(decoding: bytes, as: UTF8.self)) else { return }
      precondition(LockRecord(record.text) == record, "a lock does not come back")
      _ = record.isAlive
    },
    // A pattern and a text, with a zero between them.
    FuzzTarget(
      name: "regex", seeds: { texts("a.*|b\0abc", "(?i)x[0-9]+\0X12", "(?P<n>a)|^$\0", "foo|bar|baz.+\0barx") }
    ) { bytes in
      let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
      let pattern = String(decoding: parts[0], as: UTF8.self)
      let text = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
      guard let positive = try? CompiledMatcher(Matcher(.regex, "a", pattern)),
        let negative = try? CompiledMatcher(Matcher(.notRegex, "a", pattern))
      else { return }
      precondition(positive.matches(text) != negative.matches(text), "=~ and !~ agree on \(pattern) and \(text)")
      precondition(positive.matchesEmpty == positive.matches(""), "the verdict on the empty text differs: \(pattern)")
      if let set = positive.literals {
        precondition(
          Array(text.utf8).withUnsafeBytes { set.contains($0) } == positive.matches(text), "literals of \(pattern)")
      }
    },
  ]

  private static func importSamples(_ bytes: UnsafeRawBufferPointer) {
    let disk = SimulatedDisk()
    let root = FuzzServer.root
    try? disk.makeDirectories(root)
    var scanner = ExpositionScanner(LentBytes(bytes), .openMetrics)
    var labels = ExpositionLabels()
    var samples = SampleImport(
      into: root, on: disk, clock: SimulatedClock(nowMilliseconds: WriteSeeds.time), samplesMax: 16)
    var times: Set<Int64> = []
    while (try? scanner.nextSample(&labels)) == true {
      guard let time = scanner.time else { continue }
      do { try samples.add(labels.labels(), time: time, value: scanner.value) } catch { return }
      times.insert(time)
    }
    do { try samples.flush() } catch { return }
    var written = 0
    for meta in samples.blocks {
      guard let found = try? BlockVerification("\(root)/\(meta.ulid)", on: disk) else {
        preconditionFailure("an imported block does not open")
      }
      precondition(found.isWhole, "an imported block is not whole: \(found.findings)")
      written += found.stats.samples > 0 ? Int(found.stats.samples) : 0
    }
    precondition(written >= times.count, "\(times.count) times, \(written) samples in blocks")
  }

  private static func parameter(_ bytes: UnsafeRawBufferPointer) -> Request {
    let request = Request(pool: BodyPool(bytesMax: 1 << 20))
    let digits = Array("0123456789abcdef".utf8)
    let target = Array("/?a=".utf8) + bytes.flatMap { [0x25, digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    target.withUnsafeBytes { request.head.setTarget($0) }
    return request
  }

  static func texts(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }
}
