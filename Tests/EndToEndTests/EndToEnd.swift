import TestKit
import Testing

/// Every test that starts the real binary. They run one after the other, in extensions of this suite: each wants the
/// machine for itself, and a port, a data directory and a server of its own.
@Suite("The real binary", .serialized)
struct EndToEnd {
  /// A data directory and the servers started on it, one at a time.
  struct Site: ~Copyable {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory("apus-e2e") }

    var data: String { directory.path("data") }

    func start(_ arguments: [String] = []) throws -> ServerProcess { try .apus(data: data, arguments) }
  }

  /// Whole seconds, some minutes back: no server finds it too fresh or too old.
  static func recentTimestamp(minutesAgo: Int64 = 5) -> Int64 {
    (nowMilliseconds() / 1000 - minutesAgo * 60) * 1000
  }

  /// A series with one sample a second, the values counting from 0.
  static func counting(_ metric: String, from start: Int64, count: Int) -> RemoteWriteBody {
    var body = RemoteWriteBody()
    body.add(metric, ["job": "e2e"], (0..<count).map { (start + Int64($0) * 1000, Double($0)) })
    return body
  }
}

/// Libraries to load before a server's own: this one, and those that the tests themselves run with (scripts/sanitize).
func preloading(_ library: String) -> String {
  environmentVariable("LD_PRELOAD").map { "\(library):\($0)" } ?? library
}
