import CCrypt
import Format

/// A password hash as bcrypt writes it: `$2y$10$` and 53 characters of salt and sum.
package enum BcryptHash {
  /// Checking a password costs 2^cost rounds: a higher one would hold a thread for seconds.
  package static let costMax = 14
  private static let costMin = 4
  private static let characters = 60
  /// The hash of no password that anybody knows, of the usual cost: for users that there are not.
  static let nobody = "$2b$10$abcdefghijklmnopqrstuuYVz8ZbLPZPC.ykKQ8TXqTqZfTHyHZEG"

  /// The reason why a text is no such hash; nil where it is one.
  package static func problem(_ hash: String) -> String? {
    let bytes = Array(hash.utf8)
    guard bytes.count == characters, ["$2a$", "$2b$", "$2y$"].contains(where: { hash.hasPrefix($0) }),
      bytes[6] == UInt8(ascii: "$"), let cost = cost(bytes)
    else { return "this is no bcrypt hash (htpasswd -nBC 10 NAME makes one)" }
    if !(costMin...costMax).contains(cost) {
      return "the cost \(cost) of this bcrypt hash is not from \(costMin) to \(costMax)"
    }
    return bytes[7...].allSatisfy(isDigit) ? nil : "this bcrypt hash has a character that none has"
  }

  private static func cost(_ bytes: [UInt8]) -> Int? {
    Int(String(decoding: bytes[4..<6], as: UTF8.self))
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
    if problem(hash) != nil || password.contains(0) { return false }
    var key = password.prefix(passwordBytesMax).map { CChar(bitPattern: $0) } + [0]
    // The letters differ in how old versions went wrong; this one did not.
    let setting = "$2b$" + hash.dropFirst(4)
    // 32 KiB: too much for a stack.
    let scratch = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
    unsafe scratch.initialize(to: crypt_data())
    defer {
      unsafe UnsafeMutableRawPointer(scratch).initializeMemory(
        as: UInt8.self, repeating: 0, count: MemoryLayout<crypt_data>.size)
      unsafe scratch.deallocate()
      for index in key.indices { key[index] = 0 }
    }
    guard let made = unsafe crypt_r(key, setting, scratch) else { return false }
    let text = unsafe String(cString: made)
    return SHA256.isSame(Array(text.utf8), Array(setting.utf8))
  }
}
