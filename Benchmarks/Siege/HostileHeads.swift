/// Requests that no honest client sends, as bytes.
enum HostileHeads {
  static let all: [(name: String, bytes: [UInt8])] = [
    ("two lengths", "POST /api/v1/write HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
    ("a negative length", "POST /api/v1/write HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
    ("a length of words", "POST /api/v1/write HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n"),
    ("a huge length", "POST /api/v1/write HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    (
      "length and chunks",
      "POST /api/v1/write HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    (
      "a bad chunk size",
      "POST /api/v1/write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"
    ),
    (
      "a huge chunk", "POST /api/v1/write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"
    ),
    ("no version", "GET /\r\n\r\n"),
    ("another protocol", "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}\u{00}"),
    ("zeros", String(repeating: "\0", count: 200)),
    ("bare line feeds", "GET /-/healthy HTTP/1.1\nHost: a\n\n"),
    ("a folded header", "GET /-/healthy HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n"),
    ("no host", "GET /-/healthy HTTP/1.1\r\n\r\n"),
    ("a target of 100 kB", "GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a header of 100 kB", "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "b", count: 100_000) + "\r\n\r\n"),
    ("3,000 headers", "GET / HTTP/1.1\r\nHost: a\r\n" + (0..<3_000).map { "X\($0): 1\r\n" }.joined() + "\r\n"),
    (
      "2,000 parameters",
      "GET /api/v1/series?" + (0..<2_000).map { "match[]=a\($0)&" }.joined() + " HTTP/1.1\r\nHost: a\r\n\r\n"
    ),
    ("a path upwards", "GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad percents", "GET /api/v1/query?query=%zz%f HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a hundred in one", String(repeating: "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n", count: 100)),
    ("an unknown method", "BREW /coffee HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("an upgrade", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"),
  ].map { ($0.0, Array($0.1.utf8)) }
}
