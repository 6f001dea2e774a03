import Platform

/// The keys of a source, kept until shortly before they expire. One thread at a time renews them; others go on with the old
/// ones, or wait where there are none. Any thread.
package final class AWSKeyCache: Sendable {
  /// Renewal begins so long before the keys expire; for short-lived keys, in the second half of their life.
  static let earlyMilliseconds: Int64 = 300_000
  /// After a failed renewal the old keys serve so long until the next one.
  static let stretchMilliseconds: Int64 = 60_000
  /// A thread waits so long for the renewal of another.
  static let waitMillisecondsMax: Int64 = 60_000

  private struct State {
    var keys: AWSKeys?
    /// Until then nobody asks the source.
    var renewMilliseconds: Int64 = .min
    var isRenewing = false
  }

  private enum Decision { case use(AWSKeys), renew }

  private let source: any AWSKeySource
  private let clock: any Clock
  private let state = Monitor(State())

  init(_ source: any AWSKeySource, clock: any Clock) {
    self.source = source
    self.clock = clock
  }

  /// Keys that are valid now.
  package func keys(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys {
    let now = clock.nowMilliseconds()
    let decision = state.wait(until: Deadline(milliseconds: Self.waitMillisecondsMax)) { state -> Decision? in
      if let keys = state.keys, now < state.renewMilliseconds || state.isRenewing && self.isUsable(keys, at: now) {
        return .use(keys)
      }
      if state.isRenewing { return nil }
      state.isRenewing = true
      return .renew
    }
    switch decision {
    case .use(let keys): return keys
    case .renew: return try renew(isCancelled)
    case nil: throw AWSError("another request has waited for AWS keys for too long")
    }
  }

  /// Forgets the keys: AWS does not take them.
  package func forget() {
    state.withLock { state in
      state.keys = nil
      state.renewMilliseconds = .min
    }
  }

  private func isUsable(_ keys: AWSKeys, at now: Int64) -> Bool {
    source.outlivesExpiry || keys.expiresMilliseconds.map { now < $0 } ?? true
  }

  private func renew(_ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSKeys {
    let renewed: Result<AWSKeys, AWSError>
    do throws(AWSError) { renewed = .success(try source.fetch(isCancelled)) } catch { renewed = .failure(error) }
    let now = clock.nowMilliseconds()
    let outcome = state.withLock { state -> Result<AWSKeys, AWSError> in
      state.isRenewing = false
      switch renewed {
      case .success(let keys):
        state.keys = keys
        state.renewMilliseconds = Self.renewal(of: keys, at: now)
      case .failure:
        guard let keys = state.keys, isUsable(keys, at: now) else { return renewed }
        state.renewMilliseconds = now + Self.stretchMilliseconds
        return .success(keys)
      }
      return renewed
    }
    state.wakeAll()
    return try outcome.get()
  }

  private static func renewal(of keys: AWSKeys, at now: Int64) -> Int64 {
    guard let expires = keys.expiresMilliseconds else { return .max }
    return expires - min(earlyMilliseconds, max(0, expires - now) / 2)
  }
}
