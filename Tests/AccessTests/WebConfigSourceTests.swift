import Access
import HTTP
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

struct WebConfigSourceTests {
  private static let pair = "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n"

  @Test("so many requests at once and one more in each interval, for the whole server")
  func rate() throws {
    let config = try WebConfigFile.read(Array("rate_limit: {interval: 100ms, burst: 3}".utf8), path: "/f")
    let clock = SimulatedClock(nowMilliseconds: 0)
    let limiter = RateLimiter(try #require(config.rateLimit), clock: clock)
    #expect((0..<5).map { _ in limiter.take() } == [true, true, true, false, false])
    clock.advance(milliseconds: 99)
    #expect(!limiter.take())
    clock.advance(milliseconds: 1)
    #expect(limiter.take() && !limiter.take())
    // No more than the burst gathers.
    clock.advance(milliseconds: 3_600_000)
    #expect((0..<4).map { _ in limiter.take() } == [true, true, true, false])
    // Without a burst one at a time comes through.
    let single = try WebConfigFile.read(Array("rate_limit: {interval: 1s}".utf8), path: "/f")
    #expect(single.rateLimit?.burst == 1)
    let none = try WebConfigFile.read(Array("rate_limit: {interval: 0, burst: 5}".utf8), path: "/f")
    #expect(none.rateLimit == nil)
  }

  @Test("a certificate without its new key is not taken over; both are")
  func halves() throws {
    let directory = try TemporaryDirectory("apus-web-config")
    _ = try directory.write(TestCertificate.certificate, to: "c.pem")
    _ = try directory.write(TestCertificate.key, to: "k.pem")
    let file = try directory.write(Self.pair, to: "web.yml")
    let lines = Mutex<[String]>([])
    let log = Log(level: .warn, format: .logfmt) { line in lines.withLock { $0.append("\(line)") } }
    let clock = SimulatedClock(nowMilliseconds: 1_000)
    let source = try WebConfigSource(file, clock: clock, log: log)
    let first = try #require(source.material())
    source.look()
    #expect(source.material() === first && source.lastReading == (true, 1_000))

    _ = try directory.write(TestCertificate.otherCertificate, to: "c.pem")
    clock.advance(milliseconds: 1_000)
    for _ in 0..<3 { source.look() }
    #expect(source.material() === first && source.lastReading == (false, 1_000))
    #expect(lines.withLock { $0.count } == 1)

    _ = try directory.write(TestCertificate.otherKey, to: "k.pem")
    clock.advance(milliseconds: 1_000)
    source.look()
    #expect(source.material() != nil && source.material() !== first && source.lastReading == (true, 3_000))

    // A file that goes away and comes back.
    try removeFile(directory.path("k.pem"))
    source.look()
    source.look()
    #expect(source.material() != nil && !source.lastReading.isGood && lines.withLock { $0.count } == 2)
    _ = try directory.write(TestCertificate.otherKey, to: "k.pem")
    source.look()
    #expect(source.lastReading.isGood)
  }

  @Test("TLS is not turned off while the server runs, and is said to begin later where it is turned on")
  func switches() throws {
    let directory = try TemporaryDirectory("apus-web-config")
    _ = try directory.write(TestCertificate.certificate, to: "c.pem")
    _ = try directory.write(TestCertificate.key, to: "k.pem")
    let secure = try directory.write(Self.pair, to: "secure.yml")
    let plain = try directory.write("{}\n", to: "plain.yml")
    let lines = Mutex<[String]>([])
    let log = Log(level: .warn, format: .logfmt) { line in lines.withLock { $0.append("\(line)") } }
    let clock = SimulatedClock(nowMilliseconds: 0)
    let sources = try [secure, plain].map { path in try WebConfigSource(path, clock: clock, log: log) }
    #expect(sources.map(\.isTLS) == [true, false])
    let headers = "http_server_config: {headers: {X-Frame-Options: deny}}\n"
    _ = try directory.write(headers, to: "secure.yml")
    _ = try directory.write(Self.pair + headers, to: "plain.yml")
    for source in sources { source.look() }
    #expect(sources[0].material() != nil && sources[0].present.headers.isEmpty && !sources[0].lastReading.isGood)
    #expect(sources[1].present.headers.count == 1 && sources[1].lastReading.isGood)
    let told = lines.withLock { $0 }
    #expect(told.count == 2 && told[0].contains("cannot be turned off") && told[1].contains("with the next start"))
  }

  @Test("a file as large as nobody writes, and what is no file, are refused")
  func sizes() throws {
    let directory = try TemporaryDirectory("apus-web-config")
    let large = try directory.write("#" + String(repeating: "x", count: WebConfigFile.bytesMax), to: "large.yml")
    for path in [large, try directory.makeFolder("folder"), "/dev/zero"] {
      #expect(throws: AccessFileError("\(path) is no file of at most 1048576 bytes")) {
        try WebConfigSource.check(path)
      }
    }
  }
}
