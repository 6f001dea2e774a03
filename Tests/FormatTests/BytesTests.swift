import Format
import TestKit
import Testing

@Suite struct BytesTests {
  @Test("a column holds what was put in, through every growth, and reuses its memory")
  func column() {
    var column = Column<Int>(capacity: 1)
    for round in 1...3 {
      for index in 0..<1000 {
        column.append(index * round)
        let count = column.count
        #expect(count == index + 1)
      }
      let elements = Array(column.elements)
      #expect(elements == (0..<1000).map { $0 * round })
      column[17] = -1
      let changed = column[17]
      #expect(changed == -1)
      let capacity = column.capacity
      column.removeAll()
      let (count, kept) = (column.count, column.capacity)
      #expect(count == 0 && kept == capacity)
    }
  }

  @Test("a resized column keeps its elements, and a released one is small and empty")
  func columnSizes() {
    var column = Column<UInt32>()
    column.append(7)
    column.resize(to: 5000)
    expectColumn(column, count: 5000, first: 7)
    column.resize(to: 1)
    expectColumn(column, count: 1, first: 7)
    column.release(above: 10_000)
    expectColumn(column, count: 1, first: 7)
    column.release(above: 16)
    let (count, capacity) = (column.count, column.capacity)
    #expect(count == 0 && capacity == 16)
    column.release(above: 0)
    column.append(9)
    expectColumn(column, count: 1, first: 9)
  }

  private func expectColumn(_ column: borrowing Column<UInt32>, count: Int, first: UInt32) {
    let found = (column.count, column[0])
    #expect(found == (count, first))
  }

  @Test("a buffer gives back whatever was appended, in order, at every size around its growth")
  func bufferAppends() {
    var random = RandomSource(for: "buffer appends")
    for capacity in 0...40 {
      var buffer = ByteBuffer(capacity: capacity)
      var expected: [UInt8] = []
      for _ in 0..<60 {
        switch random.below(6) {
        case 0:
          buffer.append(UInt8(7))
          expected.append(7)
        case 1:
          let bytes = random.bytes(random.below(30))
          bytes.withUnsafeBytes { buffer.append($0) }
          expected += bytes
        case 2:
          buffer.appendBigEndian(UInt32(0x0102_0304))
          expected += [1, 2, 3, 4]
        case 3:
          buffer.appendLittleEndian(UInt16(0x0102))
          expected += [2, 1]
        case 4:
          let bytes = random.bytes(random.below(9))
          buffer.write(room: 9) { room in
            room.copyBytes(from: bytes)
            return bytes.count
          }
          expected += bytes
        default:
          let count = random.below(expected.count + 1)
          buffer.truncate(to: count)
          expected.removeSubrange(count...)
        }
        let found = Array(buffer.bytes)
        #expect(found == expected)
      }
      buffer.removeAll()
      let isEmpty = buffer.count == 0 && buffer.bytes.isEmpty
      #expect(isEmpty)
    }
  }

  @Test("numbers of seven bits a byte come back, signed and unsigned, at each length")
  func varints() {
    for shift in 0..<64 {
      for offset in -1...1 as ClosedRange<Int64> {
        let value = UInt64(bitPattern: Int64(bitPattern: 1 << UInt64(shift)) &+ offset)
        let unsigned = bytes { $0.appendUvarint(value) }
        let signed = bytes { $0.appendVarint(Int64(bitPattern: value)) }
        unsigned.withUnsafeBytes {
          var reader = ByteReader($0)
          let read = reader.uvarint()
          #expect(read == value && reader.isAtEnd)
        }
        signed.withUnsafeBytes {
          var reader = ByteReader($0)
          let read = reader.varint()
          #expect(read == Int64(bitPattern: value) && reader.isAtEnd)
        }
        for length in 0..<unsigned.count {
          unsigned.prefix(length).withUnsafeBytes {
            var reader = ByteReader($0)
            let read = reader.uvarint()
            #expect(read == nil)
          }
        }
      }
    }
    #expect(bytes { $0.appendVarint(-1) } == [1])
    #expect(bytes { $0.appendVarint(1) } == [2])
    #expect(bytes { $0.appendVarint(.min) } == [255, 255, 255, 255, 255, 255, 255, 255, 255, 1])
    #expect(bytes { $0.appendUvarint(300) } == [0xac, 0x02])
  }

  @Test("numbers of more than 64 bits, or that do not end, are refused")
  func longVarints() {
    let memory = GuardedMemory(bytesMax: 64)
    let nines = [UInt8](repeating: 0xff, count: 9)
    for (input, expected) in [
      (nines + [1], UInt64.max), (nines + [2], nil), (nines + [0x81, 0], nil), (nines + [0xff], nil), (nines, nil),
      ([0x80, 0], 0), ([UInt8](repeating: 0x80, count: 9) + [0], 0), ([], nil),
    ] as [([UInt8], UInt64?)] {
      var reader = ByteReader(memory.lay(input))
      let read = reader.uvarint()
      #expect(read == expected, "\(input)")
    }
  }

  @Test("reads at the end give what is there, or nothing and no step forward")
  func readerEnds() {
    let memory = GuardedMemory(bytesMax: 64)
    for length in 0...12 {
      var reader = ByteReader(memory.lay((0..<length).map { UInt8($0 + 1) }))
      let big = reader.bigEndian(UInt64.self)
      #expect(big == (length >= 8 ? 0x0102_0304_0506_0708 : nil))
      #expect(reader.offset == (length >= 8 ? 8 : 0))
      reader = ByteReader(reader.bytes)
      let little = reader.littleEndian(UInt32.self)
      #expect(little == (length >= 4 ? 0x0403_0201 : nil))
      reader = ByteReader(reader.bytes)
      for count in [length + 1, -1, .max] {
        let taken = reader.take(count)
        #expect(taken == nil && reader.offset == 0)
      }
      let whole = reader.take(length)
      #expect(whole?.count == length && reader.isAtEnd && reader.remaining == 0)
      let (byte, nothing) = (reader.byte(), reader.take(0))
      #expect(byte == nil && nothing?.count == 0)
    }
  }
}
