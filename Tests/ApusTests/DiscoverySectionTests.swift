import Discovery
import Format
import Model
import Testing

@testable import apus

@Suite("Discoveries in the configuration")
struct DiscoverySectionTests {
  private static let section = Section("job", [DiscoveryOptions](), DiscoveryOptions.settings)

  private func read(_ text: String) throws -> (discoveries: [DiscoveryOptions], faults: [String], unread: [String]) {
    var reader = SchemaReader()
    let value = reader.section(try YAMLDocument.parse(text).root, DiscoverySectionTests.section.schema)
    var discoveries: [DiscoveryOptions] = []
    var faults: [ConfigurationFault] = reader.faults
    if faults.isEmpty { DiscoverySectionTests.section.fill(&discoveries, from: value, &faults) }
    return (discoveries, faults.map(\.message), reader.unread)
  }

  @Test("all groups of static_configs are one discovery, numbered from 0")
  func fixed() throws {
    let found = try read(
      "static_configs:\n- targets: [a:1, 'b:2']\n  labels: {env: p, le: '1'}\n- targets: [c]\n- {}\n")
    #expect(found.faults == [] && found.unread == [])
    #expect(
      found.discoveries == [
        .fixed([
          TargetGroup(
            source: "0", labels: Labels([("env", "p"), ("le", "1")]),
            targets: [Labels([("__address__", "a:1")]), Labels([("__address__", "b:2")])]),
          TargetGroup(source: "1", targets: [Labels([("__address__", "c")])]),
          TargetGroup(source: "2", targets: []),
        ])
      ])
  }

  @Test("entries of every served mechanism are read with Prometheus's defaults")
  func defaults() throws {
    let found = try read(
      """
      file_sd_configs: [{files: [a.json, 'b/*.yml']}, {files: [c.yaml], refresh_interval: 1m}]
      http_sd_configs: [{url: 'http://a/b'}]
      dns_sd_configs: [{names: [_x._tcp.y]}, {names: [z], type: aaaa, port: 80, refresh_interval: 5s}]
      """)
    #expect(found.faults == [] && found.unread == [])
    var files = [FileDiscoveryOptions(), FileDiscoveryOptions()]
    files[0].files = ["a.json", "b/*.yml"]
    files[1].files = ["c.yaml"]
    files[1].refreshMilliseconds = 60_000
    var http = HTTPDiscoveryOptions()
    http.url = "http://a/b"
    var names = [DNSDiscoveryOptions(), DNSDiscoveryOptions()]
    names[0].names = ["_x._tcp.y"]
    names[1].names = ["z"]
    names[1].type = .aaaa
    names[1].port = 80
    names[1].refreshMilliseconds = 5_000
    let expected: [DiscoveryOptions] = files.map { .file($0) } + [.http(http)] + names.map { .dns($0) }
    #expect(found.discoveries.count == 5)
    for options in expected { #expect(found.discoveries.contains(options)) }
    #expect(files[0].refreshMilliseconds == 300_000 && names[0].refreshMilliseconds == 30_000)
    #expect(http.refreshMilliseconds == 60_000 && names[0].type == .srv)
  }

  @Test("a mechanism that is not served is named as unread, and the others are there")
  func unserved() throws {
    let found = try read("gce_sd_configs: [{project: p, zone: z}]\nstatic_configs: [{targets: [a:1]}]\n")
    #expect(found.unread == ["gce_sd_configs"])
    #expect(found.discoveries.count == 1 && found.faults == [])
  }

  @Test(
    "what Prometheus refuses is refused in its words",
    arguments: [
      ("file_sd_configs: [{}]", "file service discovery config must contain at least one path name"),
      ("file_sd_configs: [{files: []}]", "file service discovery config must contain at least one path name"),
      ("file_sd_configs: [{files: [a.txt]}]", "path name \"a.txt\" is not valid for file discovery"),
      ("file_sd_configs: [{files: ['*/a.yml']}]", "path name \"*/a.yml\" is not valid for file discovery"),
      ("file_sd_configs: [{files: [a.Yml]}]", "path name \"a.Yml\" is not valid for file discovery"),
      ("http_sd_configs: [{}]", "URL is missing"),
      ("http_sd_configs: [{url: 'ftp://a'}]", "URL scheme must be 'http' or 'https'"),
      ("http_sd_configs: [{url: a/b}]", "URL scheme must be 'http' or 'https'"),
      ("http_sd_configs: [{url: 'http:///b'}]", "host is missing in URL"),
      ("dns_sd_configs: [{}]", "DNS-SD config must contain at least one SRV record name"),
      (
        "dns_sd_configs: [{names: [a], type: A}]",
        "a port is required in DNS-SD configs for all record types except SRV"
      ),
      ("dns_sd_configs: [{names: [a], type: TXT}]", "invalid DNS-SD records type TXT"),
    ])
  func refused(text: String, message: String) throws {
    let faults = try read(text).faults
    #expect(faults.count == 1)
    #expect(faults.first?.hasSuffix(": " + message) == true, "\(faults)")
  }

  @Test("patterns are those that Prometheus reads", arguments: ["a.json", "x/*.yml", "/x/b*.YAML", "x/*", "a*b.yml"])
  func patterns(pattern: String) throws {
    #expect(try read("file_sd_configs: [{files: ['\(pattern)']}]").faults.isEmpty == (pattern != "x/*"))
  }
}
