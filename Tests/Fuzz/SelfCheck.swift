/// Proof that a run can find something: three bytes, which the coverage must lead to, and then a read behind the input,
/// which only the sanitizer sees. Not one of the targets.
extension FuzzTarget {
  static let selfCheck = FuzzTarget(name: "self-check", seeds: { texts("????") }) { bytes in
    guard bytes.count >= 3, bytes[0] == UInt8(ascii: "b"), bytes[1] == UInt8(ascii: "u"), bytes[2] == UInt8(ascii: "g"),
      let base = bytes.baseAddress
    else { return }
    behind = base.load(fromByteOffset: bytes.count, as: UInt8.self)
  }
}

/// Where the read goes, so that it is one.
nonisolated(unsafe) private var behind: UInt8 = 0
