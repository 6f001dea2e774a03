extension HeadPostings {
  /// Walks everything; for tests. Nothing may hold a sweep that is under way.
  package func checkInvariants() {
    var copy = PostingsCopy()
    copy.append(store[all], of: store.blocks)
    checkList(copy, 0)
    for index in 0..<nameCount {
      let entry = name(at: index)
      precondition(findName(entry.pointee.name) == index, "name \(entry.pointee.name) is not found")
      precondition(entry.pointee.listedCount >= entry.pointee.valueCount, "a value is not listed")
      var union: [UInt32] = []
      var found = 0
      entry.pointee.forEach { value, list in
        found += 1
        precondition(entry.pointee.find(value) == list, "value \(value) is not found")
        copy.removeAll()
        copy.append(store[list], of: store.blocks)
        checkList(copy, 0)
        union += copy.ids(0)
      }
      precondition(found == entry.pointee.valueCount, "\(found) slots for \(entry.pointee.valueCount) values")
      copy.removeAll()
      copy.append(store[entry.pointee.having], of: store.blocks)
      checkList(copy, 0)
      precondition(union.sorted() == copy.ids(0), "the series of a name are those of its values")
      let listed = Set(entry.pointee.values.first(entry.pointee.listedCount))
      entry.pointee.forEach { value, _ in precondition(listed.contains(value), "value \(value) is not listed") }
    }
  }

  private func checkList(_ copy: borrowing PostingsCopy, _ index: Int) {
    let ids = copy.ids(index)
    precondition(ids.count == copy.entries[index].count && !ids.isEmpty || copy.entries[index].count == 0, "a count")
    precondition(ids.isEmpty || ids.last == copy.entries[index].last, "the last id")
    precondition(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 }, "ids that grow")
  }
}
