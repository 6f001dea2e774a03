import Glibc
import Simulation
import TestKit

// Lets simulated servers live: `Simulate [--seed N] [--worlds N] [--hours N] [--verbose]`. Worlds have the seeds from N on; the first
// broken promise ends the run with the seed, the last events and the last lines of the log.

private func number(_ name: String, _ standard: @autoclosure () -> UInt64) -> UInt64 {
  let arguments = CommandLine.arguments
  guard let place = arguments.firstIndex(of: name) else { return standard() }
  guard place + 1 < arguments.count, let value = UInt64(arguments[place + 1]) else {
    print("simulate: \(name) wants a number")
    exit(2)
  }
  return value
}

private let first = number("--seed", RandomSource(for: "the worlds").seed)
private let worlds = number("--worlds", 1)
private let hours = Int(number("--hours", 24))
for seed in first..<(first + worlds) {
  let world = World(seed: seed, printsAll: CommandLine.arguments.contains("--verbose"))
  do {
    try world.run(hours: hours)
    print("seed \(seed), \(hours) h: \(world.statistics)")
  } catch {
    print("seed \(seed): \(error)\nthe last events:")
    for event in world.events { print("  \(event)") }
    print("the last lines of the log:")
    for line in world.log.last.suffix(15) { print("  \(line)") }
    print("replay: scripts/simulate --seed \(seed) --hours \(hours)")
    exit(1)
  }
}
