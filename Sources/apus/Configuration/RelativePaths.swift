import Discovery
import Outbound
import Scrape

// A path of a file within a configuration begins in the folder of the file that names it, as in Prometheus.

/// The path as it is opened; an empty one names no file.
func joined(_ path: String, in directory: String) -> String {
  path.isEmpty || path.hasPrefix("/") || directory.isEmpty ? path : directory + "/" + path
}

extension ScrapeOptions {
  /// The same job with the paths of its files as they are opened.
  func resolved(in directory: String) -> ScrapeOptions {
    var job = self
    job.failureLogFile = joined(failureLogFile, in: directory)
    job.client.setDirectory(directory)
    job.discoveries = discoveries.map { $0.resolved(in: directory) }
    return job
  }
}

extension DiscoveryOptions {
  func resolved(in directory: String) -> DiscoveryOptions {
    switch self {
    case .fixed: return self
    case .dns: return self
    case .file(var options):
      options.files = options.files.map { joined($0, in: directory) }
      return .file(options)
    case .http(var options):
      options.client.setDirectory(directory)
      return .http(options)
    case .ec2(var options):
      options.client.setDirectory(directory)
      return .ec2(options)
    case .ecs(var options):
      options.client.setDirectory(directory)
      return .ecs(options)
    case .kubernetes(var options):
      options.client.setDirectory(directory)
      options.kubeconfigFile = joined(options.kubeconfigFile, in: directory)
      return .kubernetes(options)
    case .consul(var options):
      options.client.setDirectory(directory)
      return .consul(options)
    }
  }
}
