import Model
import Testing

@testable import TSDB

@Suite struct SymbolTableTests {
  private func text(_ table: borrowing SymbolTable, _ id: SymbolID) -> String {
    String(decoding: table.bytes(of: id), as: UTF8.self)
  }

  private func table() -> SymbolTable { SymbolTable(hash: KeyedHash(key: (7, 9))) }

  @Test("equal strings share an id, ids are dense, and the empty string is 0")
  func dense() {
    var symbols = table()
    #expect(symbols.count == 1)
    #expect(symbols.intern("") == 0)
    for round in 0..<2 {
      for index in 0..<5000 {
        #expect(symbols.intern("value-\(index)") == SymbolID(index + 1), "round \(round)")
      }
    }
    #expect(symbols.count == 5001)
    #expect(symbols.find("value-4999") == 5000)
    #expect(symbols.find("value-5000") == nil)
    for index in 0..<5000 { #expect(text(symbols, SymbolID(index + 1)) == "value-\(index)") }
    symbols.checkInvariants()
  }

  @Test("strings of every length class come back, and their addresses never change")
  func lengths() {
    var symbols = table()
    let lengths = [1, 2, 127, 128, 129, 16383, 16384, 65535, 65536, 65537, 1 << 20, (1 << 20) + 1, 3 << 20]
    var places: [(SymbolID, UnsafeRawPointer?)] = []
    for length in lengths {
      let id = symbols.intern(String(repeating: "x", count: length))
      if let id { places.append((id, symbols.bytes(of: id).baseAddress)) }
    }
    for index in 0..<100_000 { _ = symbols.intern("filler \(index)") }
    #expect(places.count == lengths.count)
    for (place, length) in zip(places, lengths) {
      let bytes = symbols.bytes(of: place.0)
      #expect(bytes.baseAddress == place.1)
      #expect(bytes.count == length && bytes.allSatisfy { $0 == 120 })
    }
    symbols.checkInvariants()
  }

  @Test("bytes that are no text are kept as they are")
  func rawBytes() {
    var symbols = table()
    let raw: [UInt8] = [0, 0xff, 0xfe, 0, 1]
    let id = raw.withUnsafeBytes { symbols.intern($0) }
    let again = raw.withUnsafeBytes { symbols.find($0) }
    #expect(id == 1 && again == 1)
    #expect(Array(symbols.bytes(of: 1)) == raw)
    let shorter = raw.withUnsafeBytes { symbols.find(UnsafeRawBufferPointer(rebasing: $0[0..<4])) }
    #expect(shorter == nil)
  }

  /// What `SymbolSweep` does, with other users of the table between its turns.
  private func sweep(
    _ symbols: inout SymbolTable, keeping isLive: (SymbolID) -> Bool, _ between: (inout SymbolTable) -> Void
  ) {
    symbols.beginSweep()
    var live = (0..<SymbolID(symbols.idLimit)).map(isLive)
    live[0] = true
    let limit = live.count
    for table in 0..<SymbolTable.tableCount {
      if table % 16 == 7 { between(&symbols) }
      symbols.sweep(table: table, &live)
    }
    between(&symbols)
    let copy = symbols.reader.arena.copy(below: limit) { live[Int($0)] }
    between(&symbols)
    symbols.finishSweep(copy)
  }

  @Test("a sweep drops what is dead, live symbols keep their ids, and earlier readers the symbols they had")
  func sweep() {
    var symbols = table()
    for index in 0..<3000 { _ = symbols.intern("s\(index)") }
    let before = symbols.byteCount
    let reader = symbols.reader
    sweep(&symbols, keeping: { $0 % 3 == 1 }, { _ in })
    symbols.checkInvariants()
    #expect(symbols.count == 1001)
    #expect(symbols.byteCount < before)
    for id in 1...SymbolID(3000) {
      let name = "s\(id - 1)"
      #expect(symbols.find(name) == (id % 3 == 1 ? id : nil))
      if id % 3 == 1 { #expect(text(symbols, id) == name) }
      #expect(reader.text(of: id) == name)
    }
    // Dropped ids are given out anew before there are more of them.
    for index in 0..<2000 { #expect(symbols.intern("t\(index)").map { $0 <= 3000 && $0 % 3 != 1 } == true) }
    #expect(symbols.idLimit == 3001)
    #expect(symbols.intern("more") == 3001)
    symbols.checkInvariants()
  }

  @Test("what is asked for while a sweep is under way has its id afterwards, whether it was dead or is new")
  func usedMeanwhile() {
    for round in 0..<20 as Range<UInt64> {
      var generator = SplitMix(state: round)
      var symbols = table()
      for index in 0..<2000 { _ = symbols.intern("s\(index)") }
      sweep(&symbols, keeping: { $0 % 2 == 0 }, { _ in })
      var known: [String: SymbolID] = [:]
      sweep(&symbols, keeping: { $0 % 4 == 0 }) { symbols in
        for _ in 0..<200 {
          let name =
            "\(["s", "n"].randomElement(using: &generator) ?? "")\(Int.random(in: 0..<2500, using: &generator))"
          guard let id = symbols.intern(name) else { continue }
          #expect(known[name] == nil || known[name] == id, "\(name)")
          known[name] = id
        }
      }
      symbols.checkInvariants()
      for (name, id) in known {
        #expect(symbols.find(name) == id)
        #expect(text(symbols, id) == name)
      }
      for id in stride(from: SymbolID(4), to: 2000, by: 4) { #expect(symbols.find("s\(id - 1)") == id) }
    }
  }

  @Test("memory is accounted for: two million bytes of strings are seen")
  func accounting() {
    var symbols = table()
    let empty = symbols.byteCount
    for index in 0..<20_000 { _ = symbols.intern("\(index)" + String(repeating: "y", count: 95)) }
    let used = symbols.byteCount - empty
    #expect(used > 2_000_000 && used < 2_800_000, "\(used)")
  }
}
