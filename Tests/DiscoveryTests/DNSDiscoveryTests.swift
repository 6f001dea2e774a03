import Model
import Platform
import TestKit
import Testing

@testable import Discovery

@Suite("Targets in the domain name system")
struct DNSDiscoveryTests {
  private final class Bench {
    let folder: TemporaryDirectory
    let told = Told()
    let registry = MetricsRegistry()
    let discovery: DNSDiscovery

    init(
      _ server: NameServer?, _ names: [String], _ type: DNSDiscoveryOptions.RecordType = .srv, port: Int = 80,
      configuration: String = "nameserver 127.0.0.1\n"
    ) throws {
      folder = try TemporaryDirectory()
      try folder.write(configuration, to: "resolv.conf")
      var options = DNSDiscoveryOptions()
      options.names = names
      options.type = type
      options.port = port
      let told = told
      let surroundings = DiscoverySurroundings(
        clock: SystemClock(), log: Log(level: .warn, format: .logfmt) { told.write($0) }, registry: registry,
        userAgent: "")
      discovery = DNSDiscovery(
        options, surroundings,
        resolver: DNSResolver(configurationFile: folder.path("resolv.conf"), port: server?.port ?? 1))
    }

    func targets() throws -> [Labels] { try discovery.refresh { false }.flatMap(\.targets) }
    func addresses() throws -> [String] { try targets().map { $0[TargetGroup.addressLabel] ?? "" } }

    func counts() -> [String] { exposition(registry).filter { $0.hasPrefix("prometheus_sd_dns_") } }
  }

  @Test("SRV records give host and port, the label keeps the final dot")
  func services() throws {
    let server = try NameServer { [$0.answer([srv("a.example.com.", 9100), srv("b.example.com.", 9200)])] }
    let bench = try Bench(server, ["_x._tcp.example.com"])
    let groups = try bench.discovery.refresh { false }
    #expect(groups.map(\.source) == ["_x._tcp.example.com"])
    #expect(
      groups[0].targets[0]
        == Labels([
          ("__address__", "a.example.com:9100"), ("__meta_dns_name", "_x._tcp.example.com"),
          ("__meta_dns_srv_record_target", "a.example.com."), ("__meta_dns_srv_record_port", "9100"),
        ]))
    #expect(groups[0].targets[1]["__address__"] == "b.example.com:9200")
    let question = try #require(server.questions.first)
    #expect(question.name == "_x._tcp.example.com." && question.type == 33 && question.hasExtension)
    #expect(bench.counts() == ["prometheus_sd_dns_lookups_total 1", "prometheus_sd_dns_lookup_failures_total 0"])
  }

  @Test("addresses, mail and name servers get the configured port; an alias in front is passed over")
  func types() throws {
    let server = try NameServer { question in
      switch question.type {
      case 1: return [question.answer([(5, [1, 97, 0]), (1, [10, 0, 0, 1]), (1, [10, 0, 0, 2])])]
      case 28: return [question.answer([(28, [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [1])])]
      case 15: return [question.answer([(15, [0, 10] + (DNSName.wire("mx.a.") ?? []))])]
      default: return [question.answer([(2, DNSName.wire("ns.a.") ?? [])])]
      }
    }
    #expect(try Bench(server, ["a.b"], .a).addresses() == ["10.0.0.1:80", "10.0.0.2:80"])
    #expect(try Bench(server, ["a.b"], .aaaa, port: 1).addresses() == ["[2001:db8::1]:1"])
    let mail = try #require(Bench(server, ["a.b"], .mx).targets().first)
    #expect(mail["__address__"] == "mx.a:80" && mail["__meta_dns_mx_record_target"] == "mx.a.")
    let names = try #require(Bench(server, ["a.b"], .ns).targets().first)
    #expect(names["__address__"] == "ns.a:80" && names["__meta_dns_ns_record_target"] == "ns.a.")
  }

  @Test("a cut answer is asked for again over TCP, without the extension")
  func truncated() throws {
    let many = (0..<200).map { srv("host-\($0).example.com.", 1000) }
    let server = try NameServer { question in
      question.isStream ? [question.answer(many)] : [question.answer(isTruncated: true)]
    }
    let bench = try Bench(server, ["a.b"])
    #expect(try bench.addresses().count == 200)
    #expect(server.questions.map(\.isStream) == [false, true])
    #expect(server.questions[1].hasExtension == false)
  }

  @Test("names that do not exist, and names without such records, have no targets")
  func denied() throws {
    let server = try NameServer { [$0.answer(code: $0.name.hasPrefix("no.") ? 3 : 0)] }
    let bench = try Bench(server, ["no.b", "empty.b"])
    let groups = try bench.discovery.refresh { false }
    #expect(groups.map(\.source) == ["no.b", "empty.b"] && groups.allSatisfy { $0.targets.isEmpty })
    #expect(bench.counts() == ["prometheus_sd_dns_lookups_total 2", "prometheus_sd_dns_lookup_failures_total 0"])
  }

  @Test("a name that cannot be looked up keeps its targets, and others change")
  func failing() throws {
    let isBroken = Monitor(false)
    let server = try NameServer { question in
      let isBroken = isBroken.withLock { $0 }
      if question.name.hasPrefix("x.") && isBroken { return [question.answer(code: 2)] }
      return [question.answer([srv(isBroken ? "new." : "old.", 1)])]
    }
    let bench = try Bench(server, ["x.a", "y.a"])
    #expect(try bench.addresses() == ["old:1", "old:1"])
    isBroken.withLock { $0 = true }
    #expect(try bench.addresses() == ["old:1", "new:1"])
    #expect(
      bench.told.waitsForLine(
        "msg=\"Error refreshing DNS targets\" err=\"could not resolve \\\"x.a\\\": all servers responded with errors to at least one search domain\""
      ))
    #expect(bench.counts() == ["prometheus_sd_dns_lookups_total 4", "prometheus_sd_dns_lookup_failures_total 1"])
  }

  @Test("completions of a name are tried in the order of resolv.conf")
  func search() throws {
    let server = try NameServer {
      [$0.answer(code: $0.name == "x.two." ? 0 : 3, $0.name == "x.two." ? [srv("t.", 1)] : [])]
    }
    let configuration = "search one two three\nnameserver 127.0.0.1\noptions ndots:1\n"
    let bench = try Bench(server, ["x"], configuration: configuration)
    #expect(try bench.addresses() == ["t:1"])
    #expect(server.questions.map(\.name) == ["x.one.", "x.two."])
  }

  @Test("the next server is asked where one is not there, refuses, or does not answer in time")
  func nextServer() throws {
    let server = try NameServer { question in
      question.name.hasPrefix("silent") ? [] : [question.answer([srv("t.", 1)])]
    }
    let configuration = "nameserver nonsense\nnameserver 127.0.0.99\nnameserver 127.0.0.1\n"
    let bench = try Bench(server, ["a.b"], configuration: configuration)
    #expect(try bench.addresses() == ["t:1"])
    #expect(
      bench.told.lines.contains {
        $0.contains("msg=\"DNS resolution failed\" server=nonsense name=a.b. err=\"nonsense is no IP")
      })
    let silent = try Bench(server, ["silent.b"])
    #expect(try silent.addresses() == [])
    #expect(silent.told.lines.contains { $0.contains("err=\"no answer in time\"") })
    #expect(silent.counts().last == "prometheus_sd_dns_lookup_failures_total 1")
  }

  @Test("answers to other questions, with other numbers, and noise are passed over")
  func forged() throws {
    let server = try NameServer { question in
      var other = question
      other.section = (DNSName.wire("evil.") ?? []) + [0, 33, 0, 1]
      return [
        question.answer(id: question.id &+ 1, [srv("evil.", 1)]), other.answer([srv("evil.", 1)]), [1, 2, 3], [],
        question.answer([srv("good.", 1)]),
      ]
    }
    #expect(try Bench(server, ["a.b"]).addresses() == ["good:1"])
  }

  @Test("a server that cannot read the extension is asked without it")
  func oldServer() throws {
    let server = try NameServer { [$0.hasExtension ? $0.answer(code: 1) : $0.answer([srv("t.", 1)])] }
    #expect(try Bench(server, ["a.b"]).addresses() == ["t:1"])
    let never = try NameServer { [$0.answer(code: 1)] }
    let bench = try Bench(never, ["a.b"])
    #expect(try bench.addresses() == [])
    #expect(never.questions.map(\.hasExtension) == [true, false])
    #expect(bench.counts().last == "prometheus_sd_dns_lookup_failures_total 1")
  }

  @Test("without resolv.conf every lookup fails, and says why")
  func noConfiguration() throws {
    let bench = try Bench(nil, ["a"])
    bench.folder.remove()
    #expect(try bench.addresses() == [])
    #expect(bench.told.lines.contains { $0.contains("could not load resolv.conf: open ") })
  }

  @Test("many names are asked for at once")
  func many() throws {
    let server = try NameServer { [$0.answer([srv($0.name, 1)])] }
    let names = (0..<300).map { "n\($0).example.com" }
    #expect(try Bench(server, names).addresses() == names.map { "\($0):1" })
  }

  @Test("a record that says there is no such service is no target")
  func noService() throws {
    let server = try NameServer { [$0.answer([srv(".", 0)])] }
    #expect(try Bench(server, ["a.b"]).addresses() == [])
  }
}
