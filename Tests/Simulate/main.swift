import Glibc
import Platform
import Simulation
import Synchronization
import TestKit

// Lets simulated servers live: worlds have the seeds from N on; the first broken promise ends the run with the seed, the last
// events and the last lines of the log.

private let usage = """
  Simulate [--seed N] [--worlds N] [--hours N] [--jobs N] [--minutes N] [--keep-going] [--verbose]
           [--without damage,errors,fullDisks,clockSteps]
  Simulate --threads [--steps N] [--minutes N]
  """

private func value(_ name: String) -> String? {
  guard let place = CommandLine.arguments.firstIndex(of: name) else { return nil }
  if place + 1 < CommandLine.arguments.count { return CommandLine.arguments[place + 1] }
  print("simulate: \(name) wants a value\n\(usage)")
  exit(2)
}

private func number(_ name: String, _ standard: @autoclosure () -> UInt64) -> UInt64 {
  guard let text = value(name) else { return standard() }
  if let number = UInt64(text) { return number }
  print("simulate: \(name) wants a number, not \(text)\n\(usage)")
  exit(2)
}

private func isGiven(_ name: String) -> Bool { CommandLine.arguments.contains(name) }

private func hazards() -> Set<World.Hazard> {
  let names = value("--without")?.split(separator: ",").map(String.init) ?? []
  return Set(
    names.map { name in
      if let hazard = World.Hazard(rawValue: name) { return hazard }
      print("simulate: \(name) is nothing that goes wrong\n\(usage)")
      exit(2)
    })
}

private struct Orders: Sendable {
  let first = number("--seed", RandomSource(for: "the worlds").seed)
  let worlds = number("--worlds", 1)
  let hours = Int(number("--hours", 24))
  let jobs = Int(number("--jobs", UInt64(Processors.count)))
  let deadline = value("--minutes").map { Deadline(milliseconds: (Int64($0) ?? 1) * 60_000) } ?? .never
  let keepsGoing = isGiven("--keep-going")
  let isVerbose = isGiven("--verbose")
  let absent = hazards()
}

/// The worlds of a run, taken one after the other by as many threads as there are jobs. Any thread.
private final class Run: Sendable {
  private let orders: Orders
  private let next = Atomic<UInt64>(0)
  private let results = Mutex<(sum: World.Statistics, findings: Int)>((World.Statistics(), 0))

  init(_ orders: Orders) { self.orders = orders }

  func work() {
    while !orders.deadline.isPassed {
      let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if number >= orders.worlds { return }
      live(seed: orders.first + number)
    }
  }

  private func live(seed: UInt64) {
    let world = World(seed: seed, without: orders.absent, printsAll: orders.isVerbose)
    do {
      try world.run(hours: orders.hours)
      results.withLock { results in
        results.sum += world.statistics
        print("seed \(seed), \(orders.hours) h: \(world.statistics.text)")
      }
    } catch {
      results.withLock { results in
        results.findings += 1
        results.sum += world.statistics
        tell(world, "\(error)")
        fflush(nil)
        if !orders.keepsGoing { exit(1) }
      }
    }
    fflush(nil)
  }

  private func tell(_ world: World, _ error: String) {
    print("seed \(world.seed): \(error)")
    if !orders.keepsGoing {
      print("the last events:")
      for event in world.events { print("  \(event)") }
      print("the last lines of the log:")
      for line in world.log.last.suffix(15) { print("  \(line)") }
    }
    let absent = orders.absent.map(\.rawValue).sorted().joined(separator: ",")
    print(
      "replay: scripts/simulate --seed \(world.seed) --hours \(orders.hours)"
        + (absent.isEmpty ? "" : " --without \(absent)"))
  }

  /// True where nothing was found.
  func sumUp() -> Bool {
    results.withLock { results in
      print("\(results.sum.worlds) worlds were well, \(results.findings) broke a promise; in all \(results.sum.text)")
      return results.findings == 0
    }
  }
}

private func runThreads(seed: UInt64, steps: Int, until deadline: Deadline?) {
  repeat {
    let server = ThreadedServer(seed: seed)
    do {
      try server.run(steps: steps)
      print("threads: \(steps) steps, \(server.operations) operations, nothing found")
    } catch {
      print("threads: \(error)\nthe last lines of the log:")
      for line in server.lastLines.suffix(15) { print("  \(line)") }
      fflush(nil)
      // Threads that stand still cannot be waited for.
      exit(1)
    }
  } while deadline.map { !$0.isPassed } ?? false
}

private let orders = Orders()
if isGiven("--threads") {
  runThreads(
    seed: orders.first, steps: Int(number("--steps", 2_880)), until: value("--minutes") == nil ? nil : orders.deadline)
  exit(0)
}
private let run = Run(orders)
private let threads = try (0..<max(orders.jobs, 1)).map { number in
  try NamedThread(name: "world \(number)", stackBytes: 64 << 20) { run.work() }
}
for thread in threads { thread.join() }
exit(run.sumUp() ? 0 : 1)
