import Discovery
import Model
import Platform
import Scrape

/// The addresses of this server as a job may name them, to tell whether a job brings its own metrics: then it does not store them
/// a second time.
struct OwnAddress: Sendable {
  let port: Int
  let metricsPath: String

  /// True if a job has this server among its static targets. What relabelling makes of them shows later.
  func isNamed(by jobs: [ScrapeOptions]) -> Bool {
    jobs.contains { job in
      job.metricsPath == metricsPath
        && job.discoveries.contains { discovery in
          guard case .fixed(let groups) = discovery else { return false }
          return groups.contains { group in group.targets.contains { isThis($0[TargetGroup.addressLabel] ?? "") } }
        }
    }
  }

  /// True if one of the targets is this server, and its scrapes do not fail.
  func isScraped(among targets: [TargetState]) -> Bool {
    targets.contains { $0.health != .down && isOwn($0.url) }
  }

  private func isOwn(_ url: String) -> Bool {
    guard let scheme = url.firstRange(of: "://") else { return false }
    let rest = url[scheme.upperBound...]
    let address = rest.prefix { $0 != "/" && $0 != "?" }
    return isThis(String(address)) && rest.dropFirst(address.count).prefix { $0 != "?" } == metricsPath
  }

  private func isThis(_ address: String) -> Bool {
    ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", HostFacts.hostName].contains { "\($0):\(port)" == address }
  }
}

/// Tells whether a job brings this server's own metrics. At a start, before jobs have their targets, the configuration says so. Any
/// thread.
final class OwnCoverage: Sendable {
  private static let startMilliseconds: Int64 = 14_000

  private let address: OwnAddress
  private let jobs: @Sendable () -> [ScrapeOptions]
  private let targets: @Sendable () -> [TargetState]
  private let started: Deadline

  init(
    _ address: OwnAddress, clock: any Clock, jobs: @escaping @Sendable () -> [ScrapeOptions],
    targets: @escaping @Sendable () -> [TargetState]
  ) {
    self.address = address
    self.jobs = jobs
    self.targets = targets
    started = Deadline(milliseconds: OwnCoverage.startMilliseconds, of: clock)
  }

  var isCovered: Bool {
    started.isPassed ? address.isScraped(among: targets()) : address.isNamed(by: jobs())
  }
}
