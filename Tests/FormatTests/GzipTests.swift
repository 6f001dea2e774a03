import Format
import TestKit
import Testing

@Suite struct GzipTests {
  @Test("gzip members are decoded, one or several, around the size of a step")
  func roundTrip() throws {
    var random = WALRandom(seed: 5)
    for size in [0, 1, 100, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 400_000] {
      for input in [random.bytes(size), random.compressibleBytes(size)] {
        let member = gzipCompressed(input)
        var output = ByteBuffer()
        output.append(UInt8(7))
        try (member + member).withUnsafeBytes { try Gzip.decode($0, into: &output, decodedBytesMax: 2 * size) }
        #expect(Array(output.bytes) == [7] + input + input)
      }
    }
  }

  @Test("what decodes to more than the limit is refused, and nothing of it is kept")
  func tooLarge() {
    let bomb = gzipCompressed([UInt8](repeating: 0, count: 8 << 20))
    var output = ByteBuffer()
    bomb.withUnsafeBytes { bomb in
      do throws(CompressionError) {
        try Gzip.decode(bomb, into: &output, decodedBytesMax: 1 << 20)
        Issue.record("8 MiB fitted into 1 MiB")
      } catch {
        guard case .tooLarge = error else {
          Issue.record("\(error)")
          return
        }
      }
    }
    #expect(output.count == 0 && output.capacity < 4 << 20)
  }

  @Test("every cut and every changed byte of a member is refused, or gives no other bytes")
  func damaged() {
    var random = WALRandom(seed: 6)
    let input = random.compressibleBytes(600)
    let member = gzipCompressed(input)
    func decoded(_ bytes: [UInt8]) -> [UInt8]? {
      var output = ByteBuffer()
      return bytes.withUnsafeBytes { bytes in
        do throws(CompressionError) {
          try Gzip.decode(bytes, into: &output, decodedBytesMax: 1 << 20)
          return Array(output.bytes)
        } catch {
          #expect(output.count == 0)
          return nil
        }
      }
    }
    for length in 0..<member.count { #expect(decoded(Array(member.prefix(length))) == nil) }
    for place in member.indices {
      for bit in 0..<8 {
        var changed = member
        changed[place] ^= 1 << UInt8(bit)
        if let found = decoded(changed) { #expect(found == input, "byte \(place)") }
      }
    }
    #expect(decoded(member + [1, 2, 3]) == nil)
  }
}
