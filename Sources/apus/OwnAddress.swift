import Discovery
import Model
import Platform
import Scrape

/// The addresses of this server as a job may name them, to tell whether the configuration scrapes it: then it does not store its
/// own metrics a second time.
struct OwnAddress: Sendable {
  let port: Int
  let metricsPath: String

  /// True if a job has this server among its static targets. What relabelling makes of them is the job's business.
  func isScraped(by jobs: [ScrapeOptions]) -> Bool { jobs.contains(where: scrapesThis) }

  private func scrapesThis(_ job: ScrapeOptions) -> Bool {
    guard job.metricsPath == metricsPath else { return false }
    return job.discoveries.contains { discovery in
      guard case .fixed(let groups) = discovery else { return false }
      return groups.contains { group in group.targets.contains { isThis($0[TargetGroup.addressLabel] ?? "") } }
    }
  }

  private func isThis(_ address: String) -> Bool {
    ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", HostFacts.hostName].contains { "\($0):\(port)" == address }
  }
}
