import Format
import HTTP
import Platform
import Synchronization

/// The answer to a user's name and password, as far as it is there at once.
package enum PasswordVerdict: Sendable {
  case right
  case wrong
  /// It has to be computed, which takes tens of milliseconds.
  case unknown
  /// Too many wrong ones came from this address.
  case tooMany
}

/// Checks passwords against bcrypt's hashes. A pair that proved right is known from then on, so that those who know their
/// password never wait for those who guess. Any thread.
package final class PasswordVerifier: Sendable {
  private static let knownMax = 10_000
  private static let wrongMax = 1_000
  /// Different pairs that wait to be computed, at tens of milliseconds each.
  private static let waitingMax = 64
  /// Requests that wait, many with the same pair: only the first of them is computed.
  private static let queuedMax = 4_096
  /// A pair whose request went away unanswered counts as waiting for no longer than this.
  private static let waitingMilliseconds: Int64 = 10_000
  private static let addressesMax = 10_000
  /// New passwords that an address may try at once, and how many a second after that.
  private static let triesMax = 10.0
  private static let triesPerSecond = 0.2

  private struct Tries {
    var left: Double
    var at: Int64
  }

  private struct State {
    var known: Set<[UInt8]> = []
    var wrong: Set<[UInt8]> = []
    /// Pairs on their way to `check`, and since when.
    var waiting: [[UInt8]: Int64] = [:]
    var addresses: [String: Tries] = [:]
    var computed = 0
  }

  private let state = Mutex(State())
  /// Another one in each process: the sets say nothing to who reads memory or a core file.
  private let key: [UInt8]
  private let clock: any Clock
  private let pool: WorkerPool

  package init(clock: any Clock) throws(ThreadError) {
    self.clock = clock
    var numbers = SystemRandomNumberGenerator()
    key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &numbers) }
    pool = try WorkerPool(name: "passwords", threadCount: 1, queueLimit: PasswordVerifier.queuedMax)
  }

  /// The thread on which `check` belongs.
  package var executor: Executor { { [pool] work in pool.submit(work) } }

  /// How many hashes were computed.
  package var computedCount: Int { state.withLock { $0.computed } }

  /// - Parameter hash: the user's; nil where there is no such user, which nobody is to see from outside.
  package func verdict(_ user: String, _ password: [UInt8], hash: String?, address: String) -> PasswordVerdict {
    let mark = mark(user, password, hash)
    let now = clock.monotonicNanoseconds() / 1_000_000
    return state.withLock { state in
      if state.known.contains(mark) { return .right }
      if state.wrong.contains(mark) { return .wrong }
      // A dashboard asks twenty things at once: that is one try.
      if let since = state.waiting[mark], now - since < PasswordVerifier.waitingMilliseconds { return .unknown }
      if state.waiting.count >= PasswordVerifier.waitingMax {
        state.waiting = state.waiting.filter { now - $0.value < PasswordVerifier.waitingMilliseconds }
        if state.waiting.count >= PasswordVerifier.waitingMax { return .tooMany }
      }
      var tries = state.addresses[address] ?? Tries(left: PasswordVerifier.triesMax, at: now)
      let gained = Double(now - tries.at) / 1000 * PasswordVerifier.triesPerSecond
      tries = Tries(left: min(PasswordVerifier.triesMax, tries.left + gained), at: now)
      if tries.left < 1 {
        state.addresses[address] = tries
        return .tooMany
      }
      tries.left -= 1
      if state.addresses.count >= PasswordVerifier.addressesMax { state.addresses.removeAll() }
      state.addresses[address] = tries
      state.waiting[mark] = now
      return .unknown
    }
  }

  /// Computes the answer. Takes long; on the executor's thread.
  package func check(_ user: String, _ password: [UInt8], hash: String?, address: String) -> Bool {
    let mark = mark(user, password, hash)
    // The same pair may have been computed while this one waited.
    let isKnown: Bool? = state.withLock { state in
      state.known.contains(mark) ? true : state.wrong.contains(mark) ? false : nil
    }
    if let isKnown { return isKnown }
    let isRight = BcryptHash.matches(hash ?? BcryptHash.nobody, password) && hash != nil
    state.withLock { state in
      state.computed += 1
      state.waiting[mark] = nil
      if isRight {
        if state.known.count >= PasswordVerifier.knownMax { state.known.removeAll() }
        state.known.insert(mark)
        // A right one gives the try back.
        state.addresses[address]?.left += 1
      } else {
        if state.wrong.count >= PasswordVerifier.wrongMax { state.wrong.removeAll() }
        state.wrong.insert(mark)
      }
    }
    return isRight
  }

  /// Lengths stand before the texts, so that no two pairs have the same mark.
  private func mark(_ user: String, _ password: [UInt8], _ hash: String?) -> [UInt8] {
    var message: [UInt8] = []
    for part in [Array(user.utf8), Array((hash ?? "").utf8), password] {
      message += Array("\(part.count):".utf8) + part
    }
    return SHA256.authenticationCode(of: message, key: key)
  }
}
