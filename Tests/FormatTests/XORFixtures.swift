import Format
import TestKit

/// One bit after another, as the format's description tells them: slow, plain, and apart from the encoder under test.
struct BitText {
  private(set) var bytes: [UInt8] = []
  private(set) var count = 0

  mutating func append(_ value: UInt64, _ width: Int) {
    for place in stride(from: width - 1, through: 0, by: -1) {
      if count & 7 == 0 { bytes.append(0) }
      bytes[bytes.count - 1] |= UInt8(value >> UInt64(place) & 1) << UInt8(7 - count & 7)
      count += 1
    }
  }

  mutating func append(uvarint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(rest & 0x7f | 0x80, 8)
      rest >>= 7
    }
    append(rest, 8)
  }
}

struct XORSeries {
  var times: [Int64]
  var values: [UInt64]

  /// The chunk by the published format, and how many bits it has after each sample.
  func reference() -> (bytes: [UInt8], bitCounts: [Int]) {
    var bits = BitText()
    var bitCounts: [Int] = []
    bits.append(UInt64(times.count), 16)
    var (leading, trailing) = (-1, 0)
    for index in times.indices {
      if index == 0 {
        bits.append(uvarint: UInt64(bitPattern: times[0] << 1 ^ times[0] >> 63))
        bits.append(values[0], 64)
      } else {
        let delta = times[index] - times[index - 1]
        if index == 1 {
          bits.append(uvarint: UInt64(delta))
        } else {
          appendDeltaOfDelta(delta - (times[index - 1] - times[index - 2]), &bits)
        }
        appendValue(values[index] ^ values[index - 1], &leading, &trailing, &bits)
      }
      bitCounts.append(bits.count)
    }
    return (bits.bytes, bitCounts)
  }

  private func appendDeltaOfDelta(_ second: Int64, _ bits: inout BitText) {
    switch second {
    case 0: bits.append(0, 1)
    case -8191...8192:
      bits.append(0b10, 2)
      bits.append(UInt64(bitPattern: second), 14)
    case -65535...65536:
      bits.append(0b110, 3)
      bits.append(UInt64(bitPattern: second), 17)
    case -524_287...524_288:
      bits.append(0b1110, 4)
      bits.append(UInt64(bitPattern: second), 20)
    default:
      bits.append(0b1111, 4)
      bits.append(UInt64(bitPattern: second), 64)
    }
  }

  private func appendValue(_ difference: UInt64, _ leading: inout Int, _ trailing: inout Int, _ bits: inout BitText) {
    if difference == 0 { return bits.append(0, 1) }
    let (newLeading, newTrailing) = (min(difference.leadingZeroBitCount, 31), difference.trailingZeroBitCount)
    if leading >= 0, newLeading >= leading, newTrailing >= trailing {
      bits.append(0b10, 2)
    } else {
      (leading, trailing) = (newLeading, newTrailing)
      bits.append(0b11, 2)
      bits.append(UInt64(leading), 5)
      bits.append(UInt64(64 - leading - trailing) & 63, 6)
    }
    bits.append(difference >> UInt64(trailing), 64 - leading - trailing)
  }
}

/// Series of every kind that collectors and attackers make.
struct XORSeriesMaker {
  var random: RandomSource

  static let borders: [Int64] = [
    0, 1, -1, 8192, 8193, -8191, -8192, 65536, 65537, -65535, -65536, 524_288, 524_289, -524_287, -524_288,
    4_000_000_000, -4_000_000_000,
  ]
  static let oddValues: [UInt64] = [
    0x7ff0_0000_0000_0002,  // the stale marker
    0x7ff8_0000_0000_0001,  // the usual NaN
    0xfff8_0000_0000_1234, 0x7ff0_0000_0000_0001, (-0.0).bitPattern, 0, Double.infinity.bitPattern,
    (-Double.infinity).bitPattern, 1, 0x000f_ffff_ffff_ffff, UInt64.max, 1 << 63, 1 << 32, 0x8000_0000_0000_0001,
    Double.greatestFiniteMagnitude.bitPattern, (1.0).bitPattern,
  ]

  mutating func series(_ count: Int) -> XORSeries {
    XORSeries(times: times(count), values: values(count))
  }

  private mutating func times(_ count: Int) -> [Int64] {
    let starts: [Int64] = [0, 1, -1, 63, 64, 1_700_000_000_000, -1_700_000_000_000, .min + 1, .max - 1 << 50]
    var times = [starts[random.below(starts.count)]]
    var delta: Int64 = [1, 127, 128, 15_000, 60_000, 0xffff_ffff][random.below(6)]
    let kind = random.below(4)
    for _ in 1..<max(count, 1) {
      switch kind {
      case 0: break
      case 1: delta = 15_000 + Int64(random.below(21)) - 10
      case 2: delta = Int64(1 + random.below(1 << (1 + random.below(32))))
      default:
        let second = XORSeriesMaker.borders[random.below(XORSeriesMaker.borders.count)]
        delta = min(max(delta + second, 1), 0xffff_ffff)
      }
      times.append(times[times.count - 1] + min(delta, 0xffff_ffff))
    }
    return times
  }

  private mutating func values(_ count: Int) -> [UInt64] {
    let kind = random.below(7)
    var value = Double(random.below(1_000_000))
    return (0..<count).map { _ in
      switch kind {
      case 0: break
      case 1: value += 1
      case 2: value += Double(random.below(100))
      case 3: value += random.unit() - 0.5
      case 4: return random.next()
      case 5: return XORSeriesMaker.oddValues[random.below(XORSeriesMaker.oddValues.count)]
      default:
        return random.below(3) == 0 ? XORSeriesMaker.oddValues[random.below(16)] : (value + random.unit()).bitPattern
      }
      return value.bitPattern
    }
  }
}

extension XORTail {
  /// All that the writer remembers, to be compared.
  var all: [UInt64] {
    [
      UInt64(bitPattern: lastTime), lastValue, UInt64(timeDelta), UInt64(bitCount), UInt64(count), UInt64(leading),
      UInt64(trailing),
    ]
  }
}

/// The samples of a chunk as far as it decodes, and how many it says it has.
func decodedXOR(_ chunk: UnsafeRawBufferPointer) -> (said: Int?, times: [Int64], values: [UInt64]) {
  let said = XORChunk.count(of: chunk)
  var times = [Int64](repeating: 0, count: max(said ?? 0, 1))
  var values = [UInt64](repeating: 0, count: max(said ?? 0, 1))
  let decoded = times.withUnsafeMutableBufferPointer { times in
    values.withUnsafeMutableBufferPointer { values in
      XORChunk.decode(chunk, times: times.baseAddress!, values: values.baseAddress!)
    }
  }
  return (said, Array(times.prefix(decoded)), Array(values.prefix(decoded)))
}
