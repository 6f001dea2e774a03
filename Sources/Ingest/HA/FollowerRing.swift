/// The refused bodies of followers, compressed as they came, oldest first: what closes the gap when one of them is
/// elected. Bounded by bytes in all, also together with the rings of other workspaces, and by time. A plain value, owned by
/// `HATracker`; a copy is only for reading, since the budget knows of one.
struct FollowerRing {
  /// The longest scrape interval that a fail-over shall not lengthen, lateness of bodies included: the ring keeps a
  /// body for the fail-over time and this.
  static let scrapeMilliseconds: Int64 = 60_000
  /// Memory counted for a kept body, and again for each of its pairs, besides its bytes.
  private static let overheadBytes = 256

  /// One body. Immutable: those who replay it share its bytes.
  struct Body: Sendable {
    var bytes: [UInt8]
    var form: BodyForm
    /// The pairs refused in it.
    var pairs: [HAPair]
    /// The time it came, on the clock that never goes back.
    var arrived: Int64

    var cost: Int { bytes.count + FollowerRing.overheadBytes * (1 + pairs.count) }
  }

  /// Most bytes that the ring keeps; 0: it keeps nothing.
  var bytesMax: Int
  /// Bodies from `first` on; those before it have been dropped.
  private var bodies: [Body] = []
  private var first = 0
  private(set) var byteCount = 0
  /// Bodies that had to go before their time, for want of room.
  private(set) var evictions = 0
  /// The memory that all rings share; this ring holds `byteCount` of it.
  private let budget: RingBudget

  init(bytesMax: Int, _ budget: RingBudget = RingBudget()) {
    self.bytesMax = bytesMax
    self.budget = budget
  }

  var count: Int { bodies.count - first }

  /// Drops the bodies that arrived before `oldest`, then adds one. True if the ring has it now.
  @discardableResult
  mutating func keep(_ body: Body, arrivedSince oldest: Int64) -> Bool {
    expire(arrivedBefore: oldest)
    guard body.cost <= bytesMax else {
      evictions += bytesMax > 0 ? 1 : 0
      return false
    }
    defer { compact() }
    while byteCount > bytesMax - body.cost || !budget.take(body.cost) {
      evictions += 1
      if count == 0 { return false }
      dropFirst()
    }
    bodies.append(body)
    byteCount += body.cost
    return true
  }

  mutating func expire(arrivedBefore oldest: Int64) {
    while first < bodies.count && bodies[first].arrived < oldest { dropFirst() }
    compact()
  }

  /// The bodies in which the pair was refused, in the order in which they came. They stay until `forget`.
  func bodies(of pair: HAPair) -> [Body] { bodies[first...].filter { $0.pairs.contains(pair) } }

  func forEach(_ visit: (Body) -> Void) { bodies[first...].forEach(visit) }

  /// Drops the pair from all bodies, and those that no other pair needs.
  mutating func forget(_ isForgotten: (HAPair) -> Bool) {
    var kept: [Body] = []
    let before = byteCount
    byteCount = 0
    for var body in bodies[first...] {
      body.pairs.removeAll(where: isForgotten)
      if body.pairs.isEmpty { continue }
      byteCount += body.cost
      kept.append(body)
    }
    bodies = kept
    first = 0
    budget.giveBack(before - byteCount)
  }

  mutating func removeAll() { forget { _ in true } }

  private mutating func dropFirst() {
    byteCount -= bodies[first].cost
    budget.giveBack(bodies[first].cost)
    bodies[first].bytes = []
    first += 1
  }

  /// Gives back the places of dropped bodies when they are half of all.
  private mutating func compact() {
    if first < 32 || first * 2 < bodies.count { return }
    bodies.removeSubrange(0..<first)
    first = 0
  }
}

/// A replica by its labels.
package struct HAPair: Hashable, Sendable {
  package var cluster: String
  package var replica: String

  package init(cluster: String, replica: String) {
    self.cluster = cluster
    self.replica = replica
  }
}
