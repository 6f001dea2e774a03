import Model

extension ExemplarRing {
  /// The labels of the series that may have an exemplar between two times, judged by the times of their first and last
  /// one.
  func seriesLabels(from start: Int64, through last: Int64) -> [Labels] {
    byLabels.compactMap { labels, number in
      let found = series[Int(number)]
      return pointer(found.oldest).pointee.time <= last && pointer(found.newest).pointee.time >= start ? labels : nil
    }
  }

  /// The exemplars of a series between two times, both included, oldest first.
  func exemplars(of labels: Labels, from start: Int64, through last: Int64) -> [Exemplar] {
    guard let number = byLabels[labels] else { return [] }
    var found: [Exemplar] = []
    var at = series[Int(number)].oldest
    while true {
      let entry = pointer(at).pointee
      if entry.time > last { break }
      if entry.time >= start {
        let packed = Array(self.labels(of: entry))
        found.append(Exemplar(labels: Labels(packed: packed), time: entry.time, value: entry.value))
      }
      if entry.next == at { break }
      at = entry.next
    }
    return found
  }

  /// Series by their numbers, for who goes over the entries later.
  func numberedSeries() -> [(number: UInt32, labels: Labels)] { byLabels.map { ($0.value, $0.key) } }
}

extension ExemplarRing {
  /// For tests: the lists hold every entry once, in order, and the tables know every series.
  func checkInvariants() {
    precondition(count <= limit && count <= capacity, "more entries than there may be")
    precondition(series.count == byLabels.count + freeSeries.count, "a series is in no table")
    var seen = 0
    for (labels, number) in byLabels {
      let one = series[Int(number)]
      precondition(one.labels == labels && (one.reference == 0 || byReference[one.reference] == number), "misnamed")
      var at = one.oldest
      while true {
        precondition(holds(at) && pointer(at).pointee.series == number, "a list leaves the ring, or its series")
        seen += 1
        let next = pointer(at).pointee.next
        if next == at { break }
        precondition(pointer(next).pointee.previous == at, "a list is not the same in both directions")
        precondition(pointer(next).pointee.time >= pointer(at).pointee.time, "a list is not in the order of time")
        at = next
      }
      precondition(at == one.newest && pointer(one.oldest).pointee.previous == one.oldest, "a list has other ends")
    }
    precondition(seen == count, "an entry is in no list, or in two")
    precondition(seriesLabelBytes == byLabels.keys.reduce(0) { $0 + $1.packed.count }, "bytes miscounted")
  }
}
