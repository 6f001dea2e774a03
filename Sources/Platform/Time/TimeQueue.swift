/// Moments at which something is due, one for each id, the earliest first; of equal ones, the one that was set first. A
/// plain value: a heap that knows the place of each id, so that a moment can be moved.
package struct TimeQueue {
  private struct Entry {
    var moment: Int64
    var number: Int
    var id: Int
  }

  private var heap: [Entry] = []
  private var placeByID: [Int: Int] = [:]
  private var nextNumber = 0

  package init() {}

  package var count: Int { heap.count }

  /// The earliest moment; nil where nothing is due ever.
  package var first: Int64? { heap.first?.moment }

  /// Sets the moment of an id, in place of the one it has.
  package mutating func set(_ id: Int, at moment: Int64) {
    remove(id)
    heap.append(Entry(moment: moment, number: nextNumber, id: id))
    nextNumber += 1
    placeByID[id] = heap.count - 1
    rise(heap.count - 1)
  }

  package mutating func remove(_ id: Int) {
    guard let place = placeByID.removeValue(forKey: id) else { return }
    let last = heap.removeLast()
    if place == heap.count { return }
    heap[place] = last
    placeByID[last.id] = place
    rise(place)
    sink(place)
  }

  /// Takes the earliest id out, if its moment has come.
  package mutating func popDue(_ now: Int64) -> (id: Int, moment: Int64)? {
    guard let first = heap.first, first.moment <= now else { return nil }
    remove(first.id)
    return (first.id, first.moment)
  }

  private func isBefore(_ one: Int, _ two: Int) -> Bool {
    (heap[one].moment, heap[one].number) < (heap[two].moment, heap[two].number)
  }

  private mutating func exchange(_ one: Int, _ two: Int) {
    heap.swapAt(one, two)
    placeByID[heap[one].id] = one
    placeByID[heap[two].id] = two
  }

  private mutating func rise(_ start: Int) {
    var place = start
    while place > 0, isBefore(place, (place - 1) / 2) {
      exchange(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func sink(_ start: Int) {
    var place = start
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count && isBefore(child, least) { least = child }
      if least == place { return }
      exchange(place, least)
      place = least
    }
  }
}
