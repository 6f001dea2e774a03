import TestKit
import Testing

extension EndToEnd {
  /// A real program that sends its own metrics once a second, and how it tells what became of them.
  struct Sender {
    enum Kind: String, CaseIterable, Sendable {
      case prometheusOlder, prometheusV1, prometheusV2, vmagentZstd, vmagentSnappy

      var binary: PeerBinary {
        switch self {
        case .prometheusOlder: .prometheusOlder
        case .prometheusV1, .prometheusV2: .prometheus
        case .vmagentZstd, .vmagentSnappy: .vmagent
        }
      }

      var isAgent: Bool { self == .vmagentZstd || self == .vmagentSnappy }
    }

    let kind: Kind
    let process: ServerProcess
    /// The job it names itself, which no other sender has.
    var job: String { kind.rawValue }

    init(_ kind: Kind, writingTo url: String, in directory: borrowing TemporaryDirectory) throws {
      self.kind = kind
      let port = FreePort.next()
      let scrape = """
        global: {scrape_interval: 1s, scrape_timeout: 1s}
        scrape_configs:
          - {job_name: \(kind.rawValue), static_configs: [{targets: ["127.0.0.1:\(port)"]}]}

        """
      let message = kind == .prometheusV2 ? ", protobuf_message: io.prometheus.write.v2.Request" : ""
      let write = """
        remote_write:
          - {url: "\(url)"\(message), queue_config: {batch_send_deadline: 500ms, max_backoff: 1s}}

        """
      let file = try directory.write(kind.isAgent ? scrape : scrape + write, to: "\(kind.rawValue).yml")
      let data = directory.path("\(kind.rawValue)-data")
      if kind.isAgent {
        let protocolFlag =
          kind == .vmagentZstd ? "-remoteWrite.forceVMProto" : "-remoteWrite.forcePromProto"
        process = try .vmagent(
          configuration: file, writingTo: url, buffer: data,
          [protocolFlag, "-remoteWrite.retryMaxInterval=2s"], port: port)
      } else {
        process = try .prometheus(kind.binary, data: data, configuration: file, port: port)
      }
    }

    /// The sum of one of its counters over all labels.
    func counter(_ names: String...) throws -> Double {
      var sum = 0.0
      for line in try process.get("/metrics").text.split(separator: "\n") {
        guard names.contains(where: { line.hasPrefix($0 + "{") || line.hasPrefix($0 + " ") }) else { continue }
        sum += line.split(separator: " ").last.flatMap { Double($0) } ?? 0
      }
      return sum
    }

    /// What it gave up: samples it will not send again.
    func lost() throws -> Double {
      if kind.isAgent { return try counter("vmagent_remotewrite_packets_dropped_total") }
      return try counter(
        "prometheus_remote_storage_samples_failed_total", "prometheus_remote_storage_samples_dropped_total",
        "prometheus_remote_storage_histograms_failed_total", "prometheus_remote_storage_exemplars_failed_total",
        "prometheus_remote_storage_metadata_failed_total")
    }

    /// What it believes to have delivered.
    func delivered() throws -> Double {
      if kind.isAgent { return try counter("vmagent_remotewrite_block_size_rows_sum") }
      return try counter("prometheus_remote_storage_samples_total")
    }

    /// The end of what it logged, for a failure's text.
    var lastWords: String { String(process.child.standardError.text.suffix(1500)) }
  }

  @Suite("Every sender", .serialized, .timeLimit(.minutes(5)))
  struct Senders {
    @Test("delivers, and gives nothing up", arguments: Sender.Kind.allCases.filter(\.binary.isExpected))
    func delivers(_ kind: Sender.Kind) throws {
      let site = try Site()
      let apus = try site.start()
      let sender = try Sender(kind, writingTo: "\(apus.baseURL)/api/v1/write", in: site.directory)
      let points = eventually(within: .seconds(60), every: .milliseconds(250)) { () -> Int? in
        let count = (try? apus.query("up{job=\"\(sender.job)\"}[5m]"))?.series.first?.points.count ?? 0
        return count >= 5 ? count : nil
      }
      #expect(points != nil, "nothing came: \(sender.lastWords)")
      #expect(try sender.lost() == 0, "\(sender.lastWords)")
      #expect(try sender.delivered() > 0)
      if kind == .prometheusV2 {
        // Its metadata came with the series, under the names of their families.
        let metadata = try apus.get("/api/v1/metadata?metric=prometheus_http_request_duration_seconds").text
        #expect(metadata.contains("\"type\":\"histogram\""), "\(metadata)")
      }
    }

    @Test(
      "three senders at once outlive a SIGKILL of the server, and every scrape of theirs is there afterwards",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func recover() throws {
      let site = try Site()
      let port = FreePort.next()
      var apus = try ServerProcess.apus(data: site.data, port: port)
      let kinds: [Sender.Kind] = [.prometheusOlder, .prometheusV2, .vmagentZstd].filter(\.binary.isExpected)
      let senders = try kinds.map {
        try Sender($0, writingTo: "\(apus.baseURL)/api/v1/write", in: site.directory)
      }
      func counts(_ server: ServerProcess) throws -> [Int] {
        try senders.map { try server.query("up{job=\"\($0.job)\"}[10m]").series.first?.points.count ?? 0 }
      }
      #expect(
        try eventually(within: .seconds(60), every: .milliseconds(250)) { try counts(apus).allSatisfy { $0 >= 4 } })

      for round in 0..<3 {
        // What was answered to a query was acknowledged, or about to be.
        let before = try counts(apus)
        apus.child.killAndReap()
        // Long enough that each sender fails at least once, and not the same in each round.
        sleepThread(.milliseconds(1500 + 900 * round))
        apus = try ServerProcess.apus(data: site.data, port: port)
        let after = try counts(apus)
        for (index, sender) in senders.enumerated() {
          #expect(after[index] >= before[index], "\(sender.job) lost what was stored in round \(round)")
        }
        let recovered = eventually(within: .seconds(60), every: .milliseconds(250)) {
          (try? counts(apus))?.enumerated().allSatisfy { $1 >= before[$0] + 6 } == true
        }
        let now = try counts(apus)
        #expect(recovered, "round \(round): \(before), now \(now): \(senders.map(\.lastWords))")
      }
      for sender in senders {
        #expect(try sender.lost() == 0, "\(sender.job): \(sender.lastWords)")
        try expectNoGap(sender, apus)
      }
    }

    /// Compares with what the sender itself has, scrape by scrape. A vmagent keeps nothing, but counts its scrapes, and
    /// each of them says the count, as it is or one behind: a scrape that were missing would put all later ones ahead.
    private func expectNoGap(_ sender: Sender, _ apus: ServerProcess) throws {
      if sender.kind.isAgent {
        let counter = "vm_promscrape_scrapes_total{job=\"\(sender.job)\",status_code=\"200\"}[10m]"
        let counts = try #require(try apus.query(counter).series.first).points.map(\.value)
        let ahead = counts.enumerated().map { $1 - Double($0) }
        #expect(counts.count > 10)
        #expect((ahead.max() ?? 0) - (ahead.min() ?? 0) <= 1, "\(counts)")
        return
      }
      let selector = "up{job=\"\(sender.job)\"}[10m]"
      let ours = try #require(try apus.query(selector).series.first).points
      let newest = try #require(ours.last).timestampMilliseconds
      let theirs = try #require(try sender.process.query(selector, at: newest).series.first).points
      // The first scrape may lie before the sender followed its own log.
      let first = try #require(ours.first).timestampMilliseconds
      #expect(ours == theirs.filter { $0.timestampMilliseconds >= first }, "\(sender.job)")
      #expect(theirs.count - ours.count <= 1)
    }
  }
}
