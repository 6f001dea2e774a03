import TestKit

/// What scrapes in a measurement, and the processes that it takes.
enum ScrapeContender: String {
  case apus, prometheus
  /// vmagent scrapes and writes into VictoriaMetrics.
  case victoria
  /// vmagent scrapes and writes into Apus: what the same series take there when they are pushed.
  case pushed = "vmagent into apus"

  /// Those of the command line; pushing is measured where both of its sides are.
  static func chosen(_ options: BenchOptions) -> [ScrapeContender] {
    let named = options.contenders.compactMap { ScrapeContender(rawValue: $0.rawValue) }
    return named + (named.contains(.apus) && named.contains(.victoria) ? [.pushed] : [])
  }

  /// Starts it on empty folders. The first of the processes is the one with the data.
  func start(_ configuration: String, _ options: BenchOptions, in directory: TemporaryDirectory) throws
    -> [ServerProcess]
  {
    let (data, buffer) = (directory.path("data"), directory.path("buffer"))
    switch self {
    case .apus: return [try .apus(data: data, ["--config.file=\(configuration)"] + options.apusFlags)]
    case .prometheus: return [try .prometheus(data: data, configuration: configuration)]
    case .victoria:
      let server = try ServerProcess.victoriaMetrics(data: data, options.victoriaFlags)
      let target = "\(server.baseURL)/api/v1/write"
      return [server, try .vmagent(configuration: configuration, writingTo: target, buffer: buffer)]
    case .pushed:
      let server = try ServerProcess.apus(data: data, options.apusFlags)
      let target = "\(server.baseURL)/api/v1/write"
      return [server, try .vmagent(configuration: configuration, writingTo: target, buffer: buffer)]
    }
  }
}
