import Glibc

/// Random numbers that a seed brings back: splitmix64. A plain value.
package struct RandomSource: RandomNumberGenerator, Sendable {
  package let seed: UInt64
  private var state: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  /// A seed from APUS_SEED (to replay a failure), from APUS_RUN_SEED (of a run that is to be repeatable) or a fresh one, printed with `purpose` and the test that asks for it, by
  /// which the summary of a run finds it.
  package init(for purpose: String, file: String = #fileID, function: String = #function) {
    let given = environmentVariable("APUS_SEED") ?? environmentVariable("APUS_RUN_SEED")
    let seed = given.flatMap { UInt64($0) } ?? UInt64.random(in: 1...0xffff_ffff)
    print("seed of \(purpose) (\(file) \(function.prefix { $0 != "(" })): APUS_SEED=\(seed)")
    fflush(nil)  // said also where the test ends the process
    self.init(seed: seed)
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// 0 or more, below `bound`; the small bias of the multiplication does not matter to a test.
  package mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0)
    return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// 0 or more, below 1.
  package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  package mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}
