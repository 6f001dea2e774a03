import Format
import Ingest
import TestKit
import Testing

@Suite struct ReceiverDamageTests {
  let now = ReceiverBench.now

  private func body(_ random: inout RandomSource) -> [UInt8] {
    var body: [UInt8] = []
    for _ in 0..<(1 + random.below(4)) {
      let labels = [label("__name__", "m\(random.below(5))"), label("job", "test"), label("x", "\(random.below(9))")]
      let samples = (0..<random.below(3)).map { (now + Int64($0) + Int64(random.below(1000)), random.unit()) }
      body += rawSeries(labels, samples, more: random.below(4) == 0 ? [0x22, 0x00] : [])
    }
    return body
  }

  private func damaged(_ original: [UInt8], _ random: inout RandomSource) -> [UInt8] {
    var bytes = original
    for _ in 0..<(1 + random.below(3)) {
      let place = random.below(bytes.count + 1)
      switch random.below(5) {
      case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.below(8))
      case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 2: bytes.insert(contentsOf: random.bytes(1 + random.below(6)), at: place)
      case 3: bytes.removeSubrange(place...)
      default: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(3)))
      }
    }
    return bytes
  }

  @Test("damaged bodies in every encoding harm nobody: each is stored, partly stored or malformed, and good ones go on")
  func mutations() throws {
    var random = RandomSource(for: "damaged bodies")
    let bench = try ReceiverBench()
    var counts = [0, 0, 0]
    for round in 0..<3000 {
      let whole = body(&random)
      let outcome =
        switch round % 6 {
        case 0: bench.receive(damaged(snappyCompressed(whole), &random), .snappy)
        case 1: bench.receive(damaged(try zstdCompressed(whole), &random), .zstd)
        default: bench.receive(damaged(whole, &random))
        }
      switch outcome {
      case .stored: counts[0] += 1
      case .partly(let message):
        counts[1] += 1
        #expect(message.utf8.count < 8192)
      case .malformed: counts[2] += 1
      // A damaged header may promise any size.
      case .tooLarge where round % 6 < 2: break
      default:
        Issue.record("\(outcome)")
        return
      }
    }
    print("damaged bodies: stored \(counts[0]), in part \(counts[1]), malformed \(counts[2])")
    #expect(counts.allSatisfy { $0 > 50 })
    #expect(bench.receive(goodSeries("last", [(now + 5000, 1)])) == .stored)
  }

  @Test("random bytes are no body in any encoding")
  func noise() throws {
    var random = RandomSource(for: "noise as bodies")
    let bench = try ReceiverBench()
    for _ in 0..<500 {
      let noise = random.bytes(16 + random.below(300))
      #expect(bench.receive(noise, .zstd).isMalformed)
      let outcome = bench.receive(noise, .snappy)
      #expect(outcome.isMalformed || outcome.isTooLarge)
      _ = bench.receive(noise)
    }
    #expect(bench.receive([], .snappy).isMalformed)
    #expect(bench.receive([], .zstd).isMalformed)
    #expect(bench.receive(goodSeries("last")) == .stored)
  }

  @Test("every cut of a compressed body is malformed, and of a plain one never more than its whole series")
  func cuts() throws {
    var random = RandomSource(for: "cut bodies")
    let bench = try ReceiverBench()
    let whole = body(&random)
    let (snappy, zstd) = (snappyCompressed(whole), try zstdCompressed(whole))
    for length in 0..<snappy.count { #expect(bench.receive(Array(snappy.prefix(length)), .snappy).isMalformed) }
    for length in 0..<zstd.count { #expect(bench.receive(Array(zstd.prefix(length)), .zstd).isMalformed) }
    #expect(bench.database.head.seriesCount == 0)
    let one = goodSeries("one") + goodSeries("two")
    for length in 0..<one.count {
      let outcome = bench.receive(Array(one.prefix(length)))
      #expect(outcome == .stored ? [0, one.count / 2].contains(length) : outcome.isMalformed)
    }
  }
}
