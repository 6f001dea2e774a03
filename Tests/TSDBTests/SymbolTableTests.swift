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

  @Test("compacting keeps the wanted symbols in order, and earlier readers keep the old ids")
  func compact() {
    var symbols = table()
    for index in 0..<3000 { _ = symbols.intern("s\(index)") }
    let before = symbols.byteCount
    let reader = symbols.reader
    let renamed = symbols.compact { $0 % 3 == 1 }
    symbols.checkInvariants()
    #expect(symbols.count == 1001)
    #expect(symbols.byteCount < before)
    var next: SymbolID = 1
    for old in 1...3000 {
      if old % 3 == 1 {
        #expect(renamed[old] == next)
        #expect(text(symbols, next) == "s\(old - 1)")
        #expect(symbols.find("s\(old - 1)") == next)
        next += 1
      } else {
        #expect(renamed[old] == SymbolTable.dropped)
        #expect(symbols.find("s\(old - 1)") == nil)
      }
      #expect(reader.text(of: SymbolID(old)) == "s\(old - 1)")
    }
    #expect(renamed[0] == 0)
    #expect(symbols.intern("new") == next)
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
