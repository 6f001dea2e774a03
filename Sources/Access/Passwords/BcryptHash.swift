import CCrypt
import Format

/// A password hash as bcrypt writes it: `$2y$10$` and 53 characters of salt and sum.
package enum BcryptHash {
  /// Checking a password costs 2^cost rounds: a higher one would hold a thread for seconds.
  package static let costMax = 14
  private static let costMin = 4
  /// The hash of no password that anybody knows, of the usual cost: for users that there are not.
  package static let nobody = "$2b$10$abcdefghijklmnopqrstuuYVz8ZbLPZPC.ykKQ8TXqTqZfTHyHZEG"

  /// Salt and sum, six bits a character.
  private static let saltCharacters = 22
  private static let sumCharacters = 31

  /// The reason why a text is no such hash; nil where it is one.
  package static func problem(_ hash: String) -> String? {
    guard let parts = parts(hash) else { return "this is no bcrypt hash (htpasswd -nBC 10 NAME makes one)" }
    if !(costMin...costMax).contains(parts.cost) {
      return "the cost \(parts.cost) of this bcrypt hash is not from \(costMin) to \(costMax)"
    }
    return parts.rest.allSatisfy(isDigit) ? nil : "this bcrypt hash has a character that none has"
  }

  /// Cost, and salt with sum.
  private static func parts(_ hash: String) -> (cost: Int, rest: [UInt8])? {
    guard let letters = ["$2a$", "$2b$", "$2x$", "$2y$", "$2$"].first(where: { hash.hasPrefix($0) }) else { return nil }
    let rest = Array(hash.utf8.dropFirst(letters.utf8.count))
    guard rest.count == 3 + saltCharacters + sumCharacters, rest[2] == UInt8(ascii: "$"),
      let tens = digit(rest[0]), let ones = digit(rest[1])
    else { return nil }
    return (tens * 10 + ones, Array(rest[3...]))
  }

  private static func digit(_ byte: UInt8) -> Int? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int(byte - UInt8(ascii: "0")) : nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "/"):
      true
    default: false
    }
  }

  /// More bytes than this do not count.
  private static let passwordBytesMax = 72

  /// True if it is the hash of the password. Takes 64 ms at cost 10.
  static func matches(_ hash: String, _ password: [UInt8]) -> Bool {
    guard problem(hash) == nil, let parts = parts(hash), !password.contains(0) else { return false }
    var key = password.prefix(passwordBytesMax).map { CChar(bitPattern: $0) } + [0]
    // The letters differ in how old versions went wrong; this one did not.
    let cost = parts.cost < 10 ? "0\(parts.cost)" : "\(parts.cost)"
    let setting = "$2b$\(cost)$" + String(decoding: parts.rest, as: UTF8.self)
    // 32 KiB: too much for a stack.
    let scratch = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
    unsafe scratch.initialize(to: crypt_data())
    defer {
      unsafe apus_wipe(scratch, MemoryLayout<crypt_data>.size)
      unsafe scratch.deallocate()
      unsafe key.withUnsafeMutableBytes { unsafe apus_wipe($0.baseAddress, $0.count) }
    }
    guard let made = unsafe crypt_r(key, setting, scratch) else { return false }
    let text = unsafe String(cString: made)
    // The sum alone: some programs write salts whose last character has bits that do not count.
    return SHA256.isSame(Array(text.utf8.suffix(sumCharacters)), Array(parts.rest.suffix(sumCharacters)))
  }
}
