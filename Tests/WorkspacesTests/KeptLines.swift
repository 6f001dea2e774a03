import Synchronization

/// What a log has said. Any thread.
final class KeptLines: Sendable {
  private let lines = Mutex<[String]>([])

  func keep(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
  func contain(_ texts: String...) -> Bool { all.contains { line in texts.allSatisfy { line.contains($0) } } }
}
