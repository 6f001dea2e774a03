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
    job.client = client.resolved(in: directory)
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
      options.client = options.client.resolved(in: directory)
      return .http(options)
    case .ec2(var options):
      options.client = options.client.resolved(in: directory)
      return .ec2(options)
    case .ecs(var options):
      options.client = options.client.resolved(in: directory)
      return .ecs(options)
    case .kubernetes(var options):
      options.client = options.client.resolved(in: directory)
      options.kubeconfigFile = joined(options.kubeconfigFile, in: directory)
      return .kubernetes(options)
    case .consul(var options):
      options.client = options.client.resolved(in: directory)
      return .consul(options)
    }
  }
}

extension ClientSettings {
  func resolved(in directory: String) -> ClientSettings {
    var client = self
    switch credentials {
    case .none: break
    case .basic(let user, let password):
      client.credentials = .basic(user: user.resolved(in: directory), password: password.resolved(in: directory))
    case .authorization(let type, let credentials):
      client.credentials = .authorization(type: type, credentials: credentials.resolved(in: directory))
    case .oauth2(var settings):
      settings.clientSecret = settings.clientSecret.resolved(in: directory)
      settings.certificateKey = settings.certificateKey?.resolved(in: directory)
      settings.tls = settings.tls.resolved(in: directory)
      settings.proxy = settings.proxy.resolved(in: directory)
      client.credentials = .oauth2(settings)
    }
    client.tls = tls.resolved(in: directory)
    client.proxy = proxy.resolved(in: directory)
    client.headers = headers.map { $0.resolved(in: directory) }
    return client
  }
}

extension Secret {
  fileprivate func resolved(in directory: String) -> Secret {
    if case .file(let path) = self { .file(joined(path, in: directory)) } else { self }
  }
}

extension TLSSettings {
  fileprivate func resolved(in directory: String) -> TLSSettings {
    var tls = self
    tls.authority = authority?.resolved(in: directory)
    tls.certificate = certificate?.resolved(in: directory)
    tls.key = key?.resolved(in: directory)
    return tls
  }
}

extension ProxySettings {
  fileprivate func resolved(in directory: String) -> ProxySettings {
    var proxy = self
    proxy.connectHeaders = connectHeaders.map { $0.resolved(in: directory) }
    return proxy
  }
}

extension HeaderSetting {
  fileprivate func resolved(in directory: String) -> HeaderSetting {
    HeaderSetting(name: name, values: values.map { $0.resolved(in: directory) })
  }
}
