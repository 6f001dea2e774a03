import Model

/// The alerts that wait for one receiver, the oldest first, each once in its newest state. A value of bounded size.
struct AlertQueue: Sendable {
  /// A resolved alert is worth sending for so long after its end; rules repeat it no longer either.
  static let resolvedMillisecondsMax: Int64 = 900_000

  private static let emptySlotsMax = 1_024

  /// Those before `start` are empty; they are removed many at a time.
  private var slots: [AlertNotice?] = []
  private var start = 0
  /// The place of the first slot; places only grow, but for those of alerts that come back.
  private var firstPlace = 0
  private var places: [Labels: Int] = [:]
  private(set) var capacity: Int

  init(capacity: Int) { self.capacity = max(1, capacity) }

  var count: Int { places.count }
  var isEmpty: Bool { places.isEmpty }

  /// Adds an alert; one that waits already has its state replaced and keeps its place. Gives the number of the oldest that
  /// had to go for it.
  mutating func add(_ notice: AlertNotice) -> Int {
    if let place = places[notice.labels] {
      slots[place - firstPlace] = notice
      return 0
    }
    let dropped = makeRoom(for: 1)
    places[notice.labels] = firstPlace + slots.count
    slots.append(notice)
    return dropped
  }

  /// Takes out the oldest, as many as one request has, and with them those that are too old to be sent.
  mutating func take(_ countMax: Int, at milliseconds: Int64) -> (batch: [AlertNotice], expired: Int) {
    var batch: [AlertNotice] = []
    var expired = 0
    while batch.count < countMax, let notice = takeFirst() {
      if Self.isExpired(notice, at: milliseconds) { expired += 1 } else { batch.append(notice) }
    }
    return (batch, expired)
  }

  /// Puts back what could not be sent, before all others; what has a newer state meanwhile is left out. Gives the number of those
  /// for which there is no room.
  mutating func putBack(_ batch: [AlertNotice]) -> Int {
    let open = batch.filter { places[$0.labels] == nil }
    let fitting = open.suffix(max(0, capacity - count))
    dropEmptySlots()
    firstPlace -= fitting.count
    slots.insert(contentsOf: fitting.map(Optional.some), at: 0)
    for (offset, notice) in fitting.enumerated() { places[notice.labels] = firstPlace + offset }
    return open.count - fitting.count
  }

  /// Changes the bound. Gives the number of the oldest that had to go.
  mutating func setCapacity(_ capacity: Int) -> Int {
    self.capacity = max(1, capacity)
    return makeRoom(for: 0)
  }

  /// Empties the queue; the oldest first.
  mutating func takeAll() -> [AlertNotice] {
    let all = slots.compactMap { $0 }
    self = AlertQueue(capacity: capacity)
    return all
  }

  /// True if there is no sense in sending an alert any more: it was to end by itself, or has ended long ago.
  static func isExpired(_ notice: AlertNotice, at milliseconds: Int64) -> Bool {
    notice.isResolved ? milliseconds - notice.endsAt > resolvedMillisecondsMax : notice.endsAt <= milliseconds
  }

  private mutating func makeRoom(for more: Int) -> Int {
    var dropped = 0
    while count + more > capacity, takeFirst() != nil { dropped += 1 }
    return dropped
  }

  private mutating func takeFirst() -> AlertNotice? {
    guard start < slots.count else { return nil }
    let notice = slots[start]
    slots[start] = nil
    if let notice { places[notice.labels] = nil }
    start += 1
    if start == slots.count || start >= Self.emptySlotsMax { dropEmptySlots() }
    return notice
  }

  private mutating func dropEmptySlots() {
    slots.removeFirst(start)
    firstPlace += start
    start = 0
  }
}
