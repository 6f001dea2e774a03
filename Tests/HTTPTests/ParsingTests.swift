import Testing

@testable import HTTP

@Suite struct ParsingTests {
  private func decode(_ text: String, plus: Bool = false) -> String? {
    var text = text
    return text.withUTF8 { bytes in
      let raw = UnsafeRawBufferPointer(bytes)
      return PercentDecoding.isWellFormed(raw) ? PercentDecoding.text(raw, plusIsSpace: plus) : nil
    }
  }

  @Test("every byte but NUL survives percent encoding, in either case of digits")
  func everyByte() {
    for byte in UInt8.min...UInt8.max {
      for format in ["%02X", "%02x"] {
        let digits = format == "%02X" ? Array("0123456789ABCDEF") : Array("0123456789abcdef")
        let text = "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        var decoded: [UInt8]? = []
        var copy = text
        copy.withUTF8 { bytes in
          let raw = UnsafeRawBufferPointer(bytes)
          if PercentDecoding.isWellFormed(raw) {
            PercentDecoding.decode(raw, plusIsSpace: false) { decoded?.append($0) }
          } else {
            decoded = nil
          }
        }
        #expect(decoded == (byte == 0 ? nil : [byte]))
      }
    }
  }

  @Test("a percent sign without two digits is malformed, wherever it is cut")
  func malformed() {
    for text in ["%", "%4", "%zz", "%4g", "a%", "a%2", "%%41", "%00", "a%00b", "\0"] { #expect(decode(text) == nil) }
    #expect(decode("") == "")
    #expect(decode("a%2Fb+c", plus: false) == "a/b+c")
    #expect(decode("a%2Fb+c%2B", plus: true) == "a/b c+")
  }

  @Test("an encoding is accepted by name and refused by a quality of zero")
  func tokens() {
    func accepts(_ text: String) -> Bool {
      var text = text
      return text.withUTF8 { TokenList(UnsafeRawBufferPointer($0)).accepts(("gzip" as StaticString).rawBytes) }
    }
    for text in ["gzip", "GZip", "br, gzip", "gzip;q=1", "gzip ; q=0.001", "deflate,gzip;q=0.5,*;q=0", "gzip;q="] {
      #expect(accepts(text), "\(text)")
    }
    for text in ["", ",", "br", "gzi", "gzipp", "gzip;q=0", "gzip; q=0.000", "x-gzip", "identity;q=1, gzip;q=0"] {
      #expect(!accepts(text), "\(text)")
    }
  }

  @Test("an address is host and port, with a name, without one, or in brackets")
  func addresses() throws {
    for (text, host, port) in [
      ("0.0.0.0:9090", "0.0.0.0", 9090), (":9090", "", 9090), ("[::1]:0", "::1", 0),
      ("localhost:65535", "localhost", 65535),
    ] {
      let split = try ListenSocket.split(text)
      #expect(split.host == host && Int(split.port) == port)
    }
    for text in [
      "", "9090", "localhost", "localhost:", "localhost:x", "localhost:65536", "a:-1", "::1:90", "[::1:90", "[]:1",
    ] {
      #expect(throws: HTTPServerError.invalidAddress(text)) { try ListenSocket.split(text) }
    }
  }

  @Test("the distance of two texts is the least number of edits")
  func distance() {
    for (left, right, expected) in [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("flaw", "lawn", 2)] {
      #expect(RouteHint.editDistance(Array(left.utf8), Array(right.utf8)) == expected)
      #expect(RouteHint.editDistance(Array(right.utf8), Array(left.utf8)) == expected)
    }
  }
}
