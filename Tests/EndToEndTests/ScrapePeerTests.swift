import TestKit
import Testing

extension EndToEnd {
  /// A real Prometheus and Apus scrape the same exporters by the same configuration.
  @Suite(
    "Scraping beside Prometheus", .serialized, .timeLimit(.minutes(3)),
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  struct ScrapePeers {
    /// The scrapes of each target that are compared.
    private static let scrapes = ScrapePeerExporters.steadyFrom + 2

    /// Both servers, at work.
    private final class Pair {
      let site: Site
      let start: Int64
      let farm: ExporterFarm
      let configuration: ScrapePeerConfiguration
      let prometheus: ServerProcess
      let apus: ServerProcess

      init() throws {
        site = try Site()
        start = nowMilliseconds() / 1000 * 1000 - 60_000
        farm = try ExporterFarm(ScrapePeerExporters.all(start: start))
        configuration = ScrapePeerConfiguration(
          farm: farm.address, refused: "127.0.0.1:\(FreePort.next())", folder: site.directory.path)
        try configuration.writeFiles(site.directory)
        let peerFile = try site.directory.write(configuration.text(), to: "prometheus.yml")
        // There it is a flag of the whole server.
        let file = try site.directory.write(configuration.text("  scrape_native_histograms: true"), to: "apus.yml")
        prometheus = try .prometheus(
          data: site.directory.path("peer"), configuration: peerFile, ["--enable-feature=native-histograms"])
        apus = try site.start(["--config.file=\(file)"])
        // An empty server would take what is long ago as its first sample.
        var body = RemoteWriteBody()
        body.add("first", [:], [(nowMilliseconds(), 1)])
        #expect(try prometheus.write(body).status == 204 && apus.write(body).status == 204)
      }

      /// True once both have scraped every target so often.
      func haveScraped(_ count: Int) -> Bool {
        let visits = farm.readers.map { farm.visits(of: $0) }
        return visits.count == 2 && visits[0].paths == visits[1].paths && visits.allSatisfy { $0.least >= count }
      }

      func differences(scrapes: Int) throws -> [String] {
        let theirs = try ScrapeOutcome(prometheus, scrapes: scrapes, start: start)
        let ours = try ScrapeOutcome(apus, scrapes: scrapes, start: start)
        #expect(theirs.series.count > 1000 && theirs.targets.count > 200)
        return ours.differences(from: theirs)
      }
    }

    @Test("the same exporters, scraped by the same configuration, are the same series and targets")
    func sameOutcome() throws {
      let pair = try Pair()
      let haveScraped = eventually(within: .seconds(60), every: .milliseconds(200)) {
        pair.haveScraped(Self.scrapes + 1)
      }
      #expect(haveScraped, "\(pair.farm.readers.map { "\($0): \(pair.farm.visits(of: $0))" })")
      // The last scrapes are stored a moment after they were answered.
      sleepThread(.seconds(1))
      let differences = try pair.differences(scrapes: Self.scrapes)
      #expect(differences.isEmpty, "\(differences.count):\n\(differences.joined(separator: "\n"))")

      // A target that its file no longer names ends in both, its `up` too.
      try pair.configuration.removeTarget(pair.site.directory)
      for server in [pair.prometheus, pair.apus] {
        let isGone = try eventually(within: .seconds(30), every: .milliseconds(200)) {
          try server.query("{case=\"leaving\"}").series.isEmpty
        }
        #expect(isGone)
        #expect(try !server.query("up{case=\"leaving\"}[10m]").series.isEmpty)
      }
    }
  }
}
