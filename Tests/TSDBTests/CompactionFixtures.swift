import Format
import Testing

@testable import TSDB

/// Samples by time, the value as bits.
typealias SampleMap = [Int64: UInt64]

/// Writes one chunk; the times rise.
func encodedChunk(_ samples: [(time: Int64, value: UInt64)]) -> [UInt8] {
  let capacity = 32 + samples.count * 20
  return [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
    guard let base = buffer.baseAddress, let first = samples.first else { return }
    var tail = XORTail()
    XORChunk.start(time: first.time, value: first.value, tail: &tail, at: base, capacity: capacity)
    for sample in samples.dropFirst() {
      let isWritten = XORChunk.append(time: sample.time, value: sample.value, to: &tail, at: base, capacity: capacity)
      #expect(isWritten)
    }
    count = tail.byteCount
  }
}

func decodedChunk(_ bytes: UnsafeRawBufferPointer) -> [(time: Int64, value: UInt64)]? {
  var samples = SeriesSamples()
  guard samples.append(chunk: bytes) else { return nil }
  return (0..<samples.count).map { (samples.times[$0], samples.values[$0]) }
}
