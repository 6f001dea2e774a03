import Format
import Synchronization
import TestKit

/// The waits of who knows a password, alone and beside a thousand wrong passwords a second.
func runFlood(_ options: BenchOptions) throws {
  let directory = try TemporaryDirectory("apus-bench-flood", in: BenchFolder.path(options))
  let server = try GuardedServer.start(options, in: directory)
  let seconds = options.seconds ?? 20
  // The first one is computed; from then on the pair is known.
  _ = try FloodClient.waits(server.port, requests: 1)
  var quiet: [Double] = []
  var flooded: [Double] = []
  var wrong = FloodClient.Counts()
  for _ in 0..<options.turns {
    quiet += try FloodClient.waits(server.port, requests: seconds * FloodClient.requestsPerSecond / options.turns)
    let isOver = Mutex(false)
    let counts = Mutex(FloodClient.Counts())
    let port = server.port
    let flood = FloodThread { counts.withLock { $0.add(FloodClient.guess(port) { isOver.withLock { $0 } }) } }
    flooded += try FloodClient.waits(server.port, requests: seconds * FloodClient.requestsPerSecond / options.turns)
    isOver.withLock { $0 = true }
    flood.wait()
    wrong.add(counts.withLock { $0 })
  }
  var table = FigureTable(
    "flood: \(FloodClient.requestsPerSecond) queries a second with a right password, "
      + "\(options.turns) turns, \(seconds) s of each")
  for (name, waits) in [("quiet", quiet.sorted()), ("flooded", flooded.sorted())] {
    func at(_ share: Double) -> Double { waits[min(waits.count - 1, Int(Double(waits.count) * share))] }
    table.add(
      name, [("milliseconds, median", at(0.5), 3), ("p99", at(0.99), 3), ("p99.9", at(0.999), 3), ("most", at(1), 3)])
  }
  print(table.text)
  print(
    "wrong passwords: \(wrong.sent) in \(Int(wrong.seconds)) s, \(wrong.refused) of them 401, \(wrong.busy) of them 429"
  )
  _ = server.child.terminate(within: .seconds(60))
}
