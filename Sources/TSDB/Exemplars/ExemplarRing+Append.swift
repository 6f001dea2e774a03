import Model

// How an exemplar finds its place, or is refused.
extension ExemplarRing {
  /// Adds an exemplar to a series. One that is there is a success without effect. From `oldest` on others find their place;
  /// before it, by the rules of Prometheus, one that is older than its series' newest is refused, and at the same time so is
  /// one with a smaller value, or with the same value and labels that come before (an order of Prometheus's own there, of
  /// their bytes here).
  ///
  /// Nil if the series is not known by `reference` and `labels` are not given.
  /// `restoring`: what comes from the log may be in another order than it was appended in, and finds its place.
  mutating func append(
    _ new: NewExemplar, reference: UInt64, labels: Labels? = nil, oldest: Int64 = .max, restoring: Bool = false
  ) -> Appended? {
    if limit == 0 { return Appended(outcome: .disabled) }
    var known = reference == 0 ? nil : byReference[reference]
    if known == nil {
      guard let labels else { return nil }
      known = byLabels[labels]
      if let number = known { name(number, reference) }
    }
    guard let number = known else {
      guard let labels else { return nil }
      return appendFirst(new, reference, labels, isUnlogged: !restoring)
    }
    let isFree = restoring || new.time >= oldest
    switch place(of: new, in: number) {
    case .taken(let found):
      let isUnlogged = !restoring && pointer(found).pointee.flags & Entry.isUnlogged != 0
      return Appended(outcome: .duplicate, number: isUnlogged ? found : nil)
    case .after(let before) where isFree || isInOrder(new, of: number, after: before): break
    case .front where isFree: break
    case .after, .front, .unknown:
      if !restoring { outOfOrderCount += 1 }
      return Appended(outcome: .outOfOrder)
    }
    return insert(new, number, reference, isUnlogged: !restoring)
  }

  private enum Place {
    /// Behind this entry of its series.
    case after(UInt32)
    /// Before all others of its series.
    case front
    /// This entry is the same.
    case taken(UInt32)
    /// Too far back to look for it.
    case unknown
  }

  /// The place of an exemplar in the list of its series, by time. Searched from the newest one back, then from the one
  /// that was added last, which is near where a sender comes again with old ones, then from the oldest on.
  private func place(of new: NewExemplar, in number: UInt32) -> Place {
    let found = placeBack(of: new, in: number)
    if case .unknown = found {} else { return found }
    if pointer(series[Int(number)].oldest).pointee.time > new.time { return .front }
    var at = series[Int(number)].latest
    if holds(at), pointer(at).pointee.series == number {
      for _ in 0..<ExemplarRing.stepsMax where pointer(at).pointee.time >= new.time {
        at = pointer(at).pointee.previous
      }
      if pointer(at).pointee.time < new.time, let found = placeOn(of: new, from: at) { return found }
    }
    return placeOn(of: new, from: series[Int(number)].oldest) ?? .unknown
  }

  /// Looks for the place from an entry on that is not later than the exemplar; nil if it is too far.
  private func placeOn(of new: NewExemplar, from start: UInt32) -> Place? {
    var at = start
    for _ in 0..<ExemplarRing.stepsMax {
      let entry = pointer(at).pointee
      if entry.time == new.time, isSame(entry, new) { return .taken(at) }
      if entry.next == at || pointer(entry.next).pointee.time > new.time { return .after(at) }
      at = entry.next
    }
    return nil
  }

  private func placeBack(of new: NewExemplar, in number: UInt32) -> Place {
    var at = series[Int(number)].newest
    var after: UInt32?
    for _ in 0..<ExemplarRing.stepsMax {
      let entry = pointer(at).pointee
      if entry.time < new.time { return .after(after ?? at) }
      if entry.time == new.time {
        if isSame(entry, new) { return .taken(at) }
        if after == nil { after = at }
      }
      if entry.previous == at { return after.map { .after($0) } ?? .front }
      at = entry.previous
    }
    return after.map { .after($0) } ?? .unknown
  }

  private func isSame(_ entry: Entry, _ new: NewExemplar) -> Bool {
    let isEqual = entry.value == new.value || Double(bitPattern: entry.value) == Double(bitPattern: new.value)
    return isEqual && equalBytes(labels(of: entry), new.labels)
  }

  private func isInOrder(_ new: NewExemplar, of number: UInt32, after place: UInt32) -> Bool {
    if place != series[Int(number)].newest { return false }
    let entry = pointer(place).pointee
    if entry.time < new.time { return true }
    let (old, value) = (Double(bitPattern: entry.value), Double(bitPattern: new.value))
    if value < old { return false }
    return value != old || compareBytes(new.labels, labels(of: entry)) > 0
  }

  private mutating func appendFirst(
    _ new: NewExemplar, _ reference: UInt64, _ labels: Labels, isUnlogged: Bool
  ) -> Appended {
    let bytes = labels.packed.count
    guard bytes <= ExemplarRing.seriesLabelBytesMax else { return Appended(outcome: .exhausted) }
    while seriesLabelBytes + bytes > ExemplarRing.seriesLabelBytesMax { removeFirst() }
    guard let entry = makeEntry(new, isUnlogged: isUnlogged) else { return Appended(outcome: .exhausted) }
    let number = freeSeries.popLast() ?? UInt32(series.count)
    if Int(number) == series.count { series.append(Series()) }
    series[Int(number)] = Series(labels: labels, oldest: entry, newest: entry, latest: entry)
    byLabels[labels] = number
    seriesLabelBytes += bytes
    name(number, reference)
    pointer(entry).pointee.series = number
    appendedCount += 1
    return Appended(outcome: .stored, number: isUnlogged ? entry : nil)
  }

  private mutating func name(_ number: UInt32, _ reference: UInt64) {
    let old = series[Int(number)].reference
    if reference == 0 || old == reference { return }
    if old != 0 { byReference[old] = nil }
    series[Int(number)].reference = reference
    byReference[reference] = number
  }

  private mutating func insert(
    _ new: NewExemplar, _ number: UInt32, _ reference: UInt64, isUnlogged: Bool
  ) -> Appended {
    if count == limit {
      // This may take out the entry it would come after, even the last one of its series.
      let labels = series[Int(number)].labels
      removeFirst()
      if byLabels[labels] == nil { return appendFirst(new, reference, labels, isUnlogged: isUnlogged) }
    }
    var after: UInt32?
    if case .after(let found) = place(of: new, in: number) { after = found }
    guard let entry = makeEntry(new, isUnlogged: isUnlogged) else { return Appended(outcome: .exhausted) }
    if let after {
      let next = pointer(after).pointee.next
      link(entry, number, after: after, before: next == after ? nil : next)
    } else {
      link(entry, number, after: nil, before: series[Int(number)].oldest)
    }
    return Appended(outcome: .stored, number: isUnlogged ? entry : nil)
  }

  private mutating func link(_ entry: UInt32, _ number: UInt32, after: UInt32?, before: UInt32?) {
    pointer(entry).pointee.series = number
    series[Int(number)].latest = entry
    if let after {
      pointer(entry).pointee.previous = after
      pointer(after).pointee.next = entry
    } else {
      series[Int(number)].oldest = entry
    }
    if let before {
      pointer(entry).pointee.next = before
      pointer(before).pointee.previous = entry
    } else {
      series[Int(number)].newest = entry
    }
    appendedCount += 1
  }

  /// Notes that the log holds these entries now.
  mutating func markLogged(_ numbers: [UInt32]) {
    for number in numbers where holds(number) { pointer(number).pointee.flags &= ~Entry.isUnlogged }
  }
}
