import Format

// Label names and values of a block, in the order of their bytes.
extension Block {
  /// Calls `body` with each label name, in order.
  package func forEachName(_ body: (UnsafeRawBufferPointer) -> Void) {
    for place in 0..<index.table.nameCount {
      let name = index.table.name(place)
      if !name.isEmpty { body(name) }
    }
  }

  /// Calls `body` with each value of a label, in order, until it says false.
  package func forEachValue(of name: String, _ body: (UnsafeRawBufferPointer) -> Bool) {
    var name = name
    guard !name.isEmpty, let place = name.withUTF8({ index.table.place(of: UnsafeRawBufferPointer($0)) }) else {
      return
    }
    index.table.forEachValue(place) { value, _ in body(value) }
  }
}
