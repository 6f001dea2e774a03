import Format

/// Reproducible numbers: a test prints its seed, the seed replays it.
struct WALRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

  /// Bytes that compress: few values, long runs.
  mutating func compressibleBytes(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let value = UInt8(truncatingIfNeeded: next() % 5)
      bytes += Array(repeating: value, count: min(Int(next() % 40) + 1, count - bytes.count))
    }
    return bytes
  }

  mutating func number(below limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

/// The bytes of a buffer that `fill` writes.
func bytes(_ fill: (inout ByteBuffer) -> Void) -> [UInt8] {
  var buffer = ByteBuffer()
  fill(&buffer)
  return Array(buffer.bytes)
}

/// One way of damaging bytes: a flipped bit, a replaced, removed or inserted byte, a cut.
func mutated(_ original: [UInt8], _ random: inout WALRandom) -> [UInt8] {
  var result = original
  if result.isEmpty { return [UInt8(truncatingIfNeeded: random.next())] }
  let place = random.number(below: result.count)
  switch random.number(below: 6) {
  case 0: result[place] ^= 1 << UInt8(random.number(below: 8))
  case 1: result[place] = UInt8(truncatingIfNeeded: random.next())
  case 2: result.remove(at: place)
  case 3: result.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
  case 4: result.removeSubrange(place...)
  default: result[place] = 0xff
  }
  return result
}
