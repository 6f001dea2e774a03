import Testing

@testable import Scrape

@Suite struct ScrapeFormatTests {
  private func choose(_ type: String?, _ fallback: ScrapeProtocol? = nil) -> Result<ScrapeFormat, ScrapeFormatError> {
    do throws(ScrapeFormatError) {
      return .success(try ScrapeFormat.choose(contentType: type, fallback: fallback))
    } catch {
      return .failure(error)
    }
  }

  @Test(
    "a known media type is read, whatever its parameters say",
    arguments: [
      ("text/plain", ScrapeFormat.text), ("text/plain; version=0.0.4; charset=utf-8", .text), ("TEXT/Plain ;", .text),
      (" text/plain ; a=\"b;\\\"c\"", .text), ("text/plain; a=1; a=1", .text),
      ("application/openmetrics-text; version=7", .openMetrics),
      ("application/vnd.google.protobuf; proto=x; encoding=delimited", .protobuf),
    ])
  func known(_ type: String, _ format: ScrapeFormat) {
    #expect(choose(type) == .success(format))
    // A fallback does not matter then.
    #expect(choose(type, .openMetrics1) == .success(format))
  }

  @Test(
    "another one is refused in Prometheus's words, unless there is a fallback",
    arguments: [
      (
        nil,
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
      ),
      (
        "",
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
      ),
      (
        "text/html; charset=utf-8",
        "received unsupported Content-Type \"text/html; charset=utf-8\" and no fallback_scrape_protocol specified for target"
      ),
      (
        "text/plain; version",
        "cannot parse Content-Type \"text/plain; version\" and no fallback_scrape_protocol for target\n"
          + "mime: invalid media parameter"
      ),
      (
        "text/plain; a=1; a=2",
        "cannot parse Content-Type \"text/plain; a=1; a=2\" and no fallback_scrape_protocol for target\n"
          + "mime: duplicate parameter name"
      ),
      (
        "; a=b", "cannot parse Content-Type \"; a=b\" and no fallback_scrape_protocol for target\nmime: no media type"
      ),
      (
        "text plain",
        "cannot parse Content-Type \"text plain\" and no fallback_scrape_protocol for target\n"
          + "mime: expected slash after first token"
      ),
      (
        "text/",
        "cannot parse Content-Type \"text/\" and no fallback_scrape_protocol for target\n"
          + "mime: expected token after slash"
      ),
      (
        "text/plain version",
        "cannot parse Content-Type \"text/plain version\" and no fallback_scrape_protocol for target\n"
          + "mime: unexpected content after media subtype"
      ),
    ] as [(String?, String)])
  func refused(_ type: String?, _ error: String) {
    #expect(choose(type) == .failure(ScrapeFormatError(error)))
    #expect(choose(type, .text0) == .success(.text))
    #expect(choose(type, .openMetrics0) == .success(.openMetrics))
    #expect(choose(type, .protobuf) == .success(.protobuf))
  }

  @Test("whatever a header is, there is an answer, and a refusal says which header it was of")
  func mutations() {
    let header = Array("text/plain; version=0.0.4; charset=\"utf-8\\\"\"".utf8)
    for place in header.indices {
      for byte in [0, 0x20, 0x22, 0x2f, 0x3b, 0x3d, 0x5c, 0x80, 0xff] as [UInt8] {
        var changed = header
        changed[place] = byte
        for text in [changed, Array(changed.prefix(place + 1)), Array(changed.dropFirst(place))] {
          let text = String(decoding: text, as: UTF8.self)
          switch choose(text) {
          case .success(let format): #expect(format == .text && text.contains("text/plain"))
          case .failure(let error): #expect(error.message.contains("Content-Type"), "\(text)")
          }
        }
      }
    }
  }

  @Test("the header that asks names the protocols in their order, each less wanted than the one before")
  func accept() {
    #expect(
      ScrapeProtocol.acceptHeader(ScrapeProtocol.usual, escaping: .allowUTF8)
        == "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
        + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
    #expect(
      ScrapeProtocol.acceptHeader([.protobuf, .text1], escaping: .underscores)
        == "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
        + "text/plain;version=1.0.0;escaping=underscores;q=0.5,*/*;q=0.4")
    #expect(ScrapeProtocol.acceptEncodingHeader(isCompressed: true) == "gzip")
    #expect(ScrapeProtocol.acceptEncodingHeader(isCompressed: false) == "identity")
  }
}
