import Access
import PlatformSimulation
import Testing

struct PasswordTests {
  private let hash = CredentialsFileTests.hash

  private func verify(_ verifier: PasswordVerifier, _ password: String, _ hash: String?, address: String = "a") -> Bool?
  {
    switch verifier.verdict("u", Array(password.utf8), hash: hash, address: address) {
    case .right: return true
    case .wrong: return false
    case .tooMany: return nil
    case .unknown: return verifier.check("u", Array(password.utf8), hash: hash, address: address)
    }
  }

  @Test("bcrypt's letters are one; long, cut and strange passwords are no surprise")
  func hashes() throws {
    let verifier = try PasswordVerifier(clock: SimulatedClock(nowMilliseconds: 0))
    for letter in ["a", "b", "x", "y", ""] {
      let hash = hash.replacing("$2b$", with: "$2\(letter)$")
      #expect(verify(verifier, "pw", hash, address: letter) == true)
      #expect(verify(verifier, "pW", hash, address: letter) == false)
    }
    #expect(verify(verifier, "pw\0x", hash, address: "nul") == false)
    #expect(verify(verifier, String(repeating: "p", count: 5000), hash, address: "long") == false)
    #expect(verify(verifier, "pw", "$2b$05$short", address: "short") == false)
    #expect(verify(verifier, "pw", nil, address: "none") == false)
  }

  @Test("who knows a password never waits for those who guess")
  func flood() throws {
    let clock = SimulatedClock(nowMilliseconds: 0)
    let verifier = try PasswordVerifier(clock: clock)
    #expect(verify(verifier, "pw", hash, address: "good") == true)
    for index in 0..<1000 { _ = verify(verifier, "guess \(index)", hash, address: "bad") }
    // Ten tries of the guesser, one of the other.
    #expect(verifier.computedCount == 11)
    // Also where both come from one address.
    #expect(verify(verifier, "pw", hash, address: "bad") == true)
    #expect(verifier.computedCount == 11)
    #expect(verify(verifier, "another", hash, address: "bad") == nil)
    clock.advance(milliseconds: 6_000)
    #expect(verify(verifier, "another", hash, address: "bad") == false)
    #expect(verify(verifier, "another", hash, address: "bad") == false)
    #expect(verifier.computedCount == 12)
  }

  @Test(
    "a salt whose last character has bits that do not count is the same salt; users that there are not cost the same")
  func salts() throws {
    let verifier = try PasswordVerifier(clock: SimulatedClock(nowMilliseconds: 0))
    // Made by a program that fills the four bits: the sum is that of the salt without them.
    var characters = Array(hash)
    let place = 28
    let digits = Array("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    let digit = try #require(digits.firstIndex(of: characters[place]))
    characters[place] = digits[digit | 0xf]
    #expect(verify(verifier, "pw", String(characters)) == true)
    #expect(verify(verifier, "pW", String(characters)) == false)
    #expect(BcryptHash.problem(BcryptHash.nobody) == nil)
  }

  @Test("many requests with one new pair at once are one try, computed once")
  func burst() throws {
    let verifier = try PasswordVerifier(clock: SimulatedClock(nowMilliseconds: 0))
    let password = Array("pw".utf8)
    for _ in 0..<100 {
      guard case .unknown = verifier.verdict("u", password, hash: hash, address: "a") else {
        Issue.record("refused before it was computed")
        return
      }
    }
    for _ in 0..<100 { #expect(verifier.check("u", password, hash: hash, address: "a")) }
    #expect(verifier.computedCount == 1)
    // Different ones are few at a time, wherever they come from.
    var accepted = 0
    for index in 0..<200 {
      if case .unknown = verifier.verdict("u", Array("p\(index)".utf8), hash: hash, address: "b\(index)") {
        accepted += 1
      }
    }
    #expect(accepted == 64)
  }

  @Test("a pair is known for its user and its hash alone")
  func pairs() throws {
    let verifier = try PasswordVerifier(clock: SimulatedClock(nowMilliseconds: 0))
    #expect(verify(verifier, "pw", hash) == true)
    guard case .unknown = verifier.verdict("other", Array("pw".utf8), hash: hash, address: "x") else {
      Issue.record("known for another user")
      return
    }
    guard case .unknown = verifier.verdict("u", Array("pw".utf8), hash: nil, address: "x") else {
      Issue.record("known without a hash")
      return
    }
  }
}
