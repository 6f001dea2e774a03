import Platform
import Synchronization

/// The kinds of credentials.
package enum CredentialKind: String, Sendable, CaseIterable {
  case signature
  case bearer
  case password
  case certificate
}

/// When each credential was used last, so that an operator sees which ones nobody needs. Any thread.
package final class CredentialUses: Sendable {
  package struct Use: Sendable, Equatable {
    package var principal: String
    package var kind: CredentialKind
    /// The id of an access key.
    package var keyID: String?
    package var lastMilliseconds: Int64
    package var count: UInt64
  }

  private struct Place: Hashable {
    var principal: String
    var kind: CredentialKind
    var keyID: String?
  }

  private static let placesMax = 20_000

  private let clock: any Clock
  private let uses = Mutex<[Place: (last: Int64, count: UInt64)]>([:])

  init(clock: any Clock) { self.clock = clock }

  func note(_ principal: String, _ kind: CredentialKind, keyID: String?) {
    let now = clock.nowMilliseconds()
    let place = Place(principal: principal, kind: kind, keyID: keyID)
    uses.withLock { uses in
      if uses.count >= CredentialUses.placesMax, uses[place] == nil { uses.removeAll() }
      uses[place, default: (0, 0)].last = now
      uses[place, default: (0, 0)].count += 1
    }
  }

  /// By principal, then kind, then key.
  package var all: [Use] {
    uses.withLock { uses in
      uses.map {
        Use(
          principal: $0.key.principal, kind: $0.key.kind, keyID: $0.key.keyID, lastMilliseconds: $0.value.last,
          count: $0.value.count)
      }
    }.sorted {
      ($0.principal, $0.kind.rawValue, $0.keyID ?? "") < ($1.principal, $1.kind.rawValue, $1.keyID ?? "")
    }
  }
}
