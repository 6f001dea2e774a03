import TestKit
import Testing

@testable import Discovery

@Suite("Messages of the domain name system")
struct DNSMessageTests {
  private static let name = DNSName.wire("a.b.") ?? []

  private func response(_ bytes: [UInt8]) throws -> DNSMessage.Response? {
    try DNSMessage.response(bytes, to: DNSMessageTests.name, .srv, id: 7)
  }

  private static func question() -> NameServer.Question {
    NameServer.Question(
      id: 7, name: "a.b.", type: 33, hasExtension: true, isStream: false, section: name + [0, 33, 0, 1])
  }

  @Test("a question is laid out as the standard says")
  func question() {
    let bytes = DNSMessage.question(DNSMessageTests.name, .a, id: 0x1234, hasExtension: true)
    #expect(
      bytes == [
        0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 97, 1, 98, 0, 0, 1, 0, 1, 0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0,
      ])
  }

  @Test("every truncation and every changed byte of an answer is read to an end")
  func damaged() throws {
    let whole = DNSMessageTests.question().answer([srv("x.y.", 5), (1, [1, 2, 3, 4]), (99, [1, 2])])
    #expect(
      try response(whole)?.records.map(\.content) == [
        .srv(target: "x.y.", port: 5), .address("1.2.3.4"), .other(99),
      ])
    for count in 0..<whole.count {
      if let short = try? response(Array(whole[..<count])) { #expect(short.records.isEmpty) }
    }
    for place in whole.indices {
      for byte in [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff] as [UInt8] {
        var changed = whole
        changed[place] = byte
        if let read = try? response(changed) { #expect(read.records.count <= 3) }
      }
    }
  }

  @Test("a name that points at itself or forward, or grows beyond 255 bytes, is refused")
  func pointers() {
    let head: [UInt8] = [0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + DNSMessageTests.name + [0, 33, 0, 1]
    for pointer in [[0xc0, UInt8(head.count)], [0xc0, UInt8(head.count + 2)], [0xff, 0xff]] as [[UInt8]] {
      #expect(throws: DNSMessage.MessageError.self) { try response(head + pointer + [0, 33, 0, 1, 0, 0, 0, 0, 0, 0]) }
    }
    var long: [UInt8] = []
    for _ in 0..<5 { long += [63] + [UInt8](repeating: 97, count: 63) }
    var reader = DNSReader(long + [0])
    var failure: DNSMessage.MessageError?
    do throws(DNSMessage.MessageError) { _ = try reader.name() } catch { failure = error }
    #expect(failure?.description == "a name is longer than 255 bytes")
  }

  @Test("an answer that another implementation has written is read, with its compressed names")
  func foreign() throws {
    // Of dnspython.
    let text =
      "000781800001000800000002025f6d045f746370076578616d706c6503636f6d0000210001c00c000500010000001e000603737663c014"
      + "c031002100010000001e001a0001000223f0066e6f64652e32076578616d706c6503636f6d00c031002100010000001e001a0001000223"
      + "8c066e6f64652d31076578616d706c6503636f6d00c031000f00010000001e00070005026d78c014c031000200010000001e0005026e73"
      + "c014c031000100010000001e0004c0000207c031001c00010000001e001020010db8000000000000000000000007c03100100001000000"
      + "1e00020178066e6f64652d31c014000100010000001e0004c00002080000292000000000000000"
    let digits = Array(text)
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    let read = try DNSMessage.response(bytes, to: DNSName.wire("_m._TCP.example.com") ?? [], .srv, id: 7)
    #expect(
      read?.records.map(\.content) == [
        .cname, .srv(target: "node\\.2.example.com.", port: 9200), .srv(target: "node-1.example.com.", port: 9100),
        .mx("mx.example.com."), .ns("ns.example.com."), .address("192.0.2.7"), .address("2001:db8::7"), .other(16),
      ])
    #expect(read?.code == 0 && read?.isTruncated == false)
    #expect(try DNSMessage.response(bytes, to: DNSName.wire("_m._tcp.example.org") ?? [], .srv, id: 7) == nil)
  }

  @Test("an extended code is no success")
  func extendedCode() throws {
    var bytes = DNSMessageTests.question().answer()
    bytes[11] = 1
    bytes += [0, 0, 41, 16, 0, 1, 0, 0, 0, 0, 0]
    #expect(try response(bytes)?.code == 16)
  }

  @Test("names go to wire bytes and back")
  func names() {
    for (text, shown) in [
      ("a.b", "a.b."), ("_x._tcp.A-b.", "_x._tcp.A-b."), ("a\\.b.c", "a\\.b.c."), ("a\\032b", "a\\ b."), (".", "."),
      ("é", "\\195\\169."),
    ] { #expect(DNSName.wire(text).map(DNSName.text) == shown) }
    let long = String(repeating: "a", count: 64)
    for text in ["", "..", "a..b", ".a", long, "a\\", "\\999", String(repeating: "abcdefg.", count: 32)] {
      #expect(DNSName.wire(text) == nil, "\(text)")
    }
  }

  @Test(
    "IPv6 addresses have their shortest form",
    arguments: [
      ([0, 0, 0, 0, 0, 0, 0, 1], "::1"), ([0, 0, 0, 0, 0, 0, 0, 0], "::"),
      ([0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"),
      ([1, 0, 2, 3, 4, 5, 6, 7], "1:0:2:3:4:5:6:7"), ([1, 0, 0, 2, 0, 0, 0, 3], "1:0:0:2::3"),
      ([0, 0, 0, 0, 0, 0xffff, 0x0102, 0x0304], "1.2.3.4"), ([0xfe80, 0, 0, 0, 0, 0, 0, 0], "fe80::"),
    ] as [([UInt16], String)])
  func addresses(groups: [UInt16], text: String) {
    #expect(IPText.v6(groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }) == text)
  }

  @Test("resolv.conf is read as other resolvers do")
  func configuration() {
    let text =
      "# c\nnameserver 10.0.0.1\n nameserver\t::1 \ndomain x\nsearch a b.  c\noptions rotate ndots:99 timeout:1\nbad\n"
    let read = ResolverConfiguration(text)
    #expect(read.servers == ["10.0.0.1", "::1"] && read.search == ["a", "b.", "c"] && read.dotsMin == 15)
    var plain = ResolverConfiguration()
    plain.search = ["one", "two."]
    #expect(plain.candidates("x") == ["x.one.", "x.two.", "x."])
    #expect(plain.candidates("x.y") == ["x.y.", "x.y.one.", "x.y.two."])
    #expect(plain.candidates("x.") == ["x."])
    plain.dotsMin = 5
    #expect(plain.candidates("a.b.c") == ["a.b.c.one.", "a.b.c.two.", "a.b.c."])
  }
}
