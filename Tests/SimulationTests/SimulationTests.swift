import Simulation
import TestKit
import Testing

@Suite struct SimulationTests {
  @Test(
    "servers in simulated worlds keep every acknowledged sample through full disks, crashes, damage and steps of the clock"
  )
  func worlds() throws {
    // The same worlds in every run; other ones on demand (scripts/simulate).
    let seed = environmentVariable("APUS_SEED").flatMap { UInt64($0) } ?? 1
    for world in [World(seed: seed), World(seed: seed &+ 1)] {
      do {
        try world.run(hours: 12)
        #expect(world.statistics.checks > 12 && world.statistics.reads > 100)
      } catch {
        Issue.record(
          "scripts/simulate --seed \(world.seed) --hours 12: \(error)\n\(world.events.joined(separator: "\n"))")
      }
    }
  }

  @Test("a world is the same each time its seed is told")
  func replay() throws {
    let worlds = [World(seed: 7), World(seed: 7)]
    for world in worlds { try? world.run(hours: 4) }
    #expect(worlds[0].events == worlds[1].events)
    #expect(worlds[0].diskOperations == worlds[1].diskOperations && worlds[0].diskOperations > 1000)
  }

  @Test("a server with all its threads at once keeps every sample, and no thread stands still")
  func threads() throws {
    let server = ThreadedServer(seed: 1)
    do {
      try server.run(steps: 1_000)
    } catch {
      Issue.record("scripts/simulate --threads --steps 1000: \(error)\n\(server.lastLines.joined(separator: "\n"))")
    }
  }
}
