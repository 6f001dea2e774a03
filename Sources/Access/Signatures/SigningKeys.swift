import Format
import Synchronization

/// Keys that were derived from secrets, for a day, region and service each: deriving costs four hashes. Any thread.
///
/// Invariant: a key is kept once a signature with it was right, so that nobody without a secret fills it.
final class SigningKeys: Sendable {
  struct Place: Hashable {
    var accessKey: String
    var generation: UInt64
    var date: String
    var region: String
    var service: String
  }

  private static let keysMax = 1024

  private let keys = Mutex<[Place: [UInt8]]>([:])

  /// The key, and whether it is to be kept when it has proved right.
  func key(_ place: Place, _ signing: SigV4, secret: String) -> (key: [UInt8], isNew: Bool) {
    if let key = keys.withLock({ $0[place] }) { return (key, false) }
    return (signing.signingKey(secret), true)
  }

  func keep(_ key: [UInt8], at place: Place) {
    keys.withLock { keys in
      if keys.count >= SigningKeys.keysMax { keys.removeAll(keepingCapacity: true) }
      keys[place] = key
    }
  }
}
