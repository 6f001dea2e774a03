import Platform
import PlatformSimulation

@testable import Rules

// The states of alerts: bytes to states and back, then a table that goes on with whatever they say.
extension FuzzTarget {
  static let alertState = FuzzTarget(name: "alert-state", seeds: { alertSeeds }) { bytes in
    let path = "/d/apus.alerts"
    let disk = SimulatedDisk()
    var input = FuzzInput(bytes)
    let how = input.byte()
    let sealed = AlertStateFile.file(path, on: disk)
    let body = Array(input.rest)
    write(how % 2 == 0 ? body : sealed.seal(body), to: path, on: disk)
    let registry = MetricsRegistry()
    let damaged = DamagedFiles(
      Quarantine(disk, "/d/quarantine", log: .silent), names: [], log: .silent, registry: registry)
    let states = AlertStates(path, on: disk, damaged: damaged, registry: registry)
    let now: Int64 = 1_700_000_000_000
    for group in states.takeOthers(than: []) {
      for rule in group.rules {
        var table = AlertTable(.init(holdMilliseconds: 60_000, keepFiringMilliseconds: 60_000))
        table.resume(
          rule.alerts, lastRoundAt: group.lastRoundAt,
          AlertTable.RestartTerms(at: now, intervalMilliseconds: 60_000, options: RuleOptions()))
        for round: Int64 in 0..<3 {
          let time = now + round * 60_000
          do {
            try table.apply(rule.alerts.prefix(1).map { AlertTable.Finding(labels: $0.labels) }, at: time)
          } catch {
            preconditionFailure("one result is refused: \(error)")
          }
          precondition(table.places.count == table.alerts.count, "a place without alert")
          _ = table.due(at: time, intervalMilliseconds: 60_000, resendMilliseconds: 60_000, generatorURL: "")
          _ = table.series(at: time)
        }
      }
      let again = AlertStateFile.decodeRules(AlertStateFile.encode(group.rules))
      precondition(again?.count == group.rules.count, "states do not come back")
    }
    states.write(at: now)
  }

  private static var alertSeeds: [[UInt8]] {
    // One group, one rule without labels, a firing alert with a label and an annotation that is empty.
    let alert: [UInt8] =
      [0x16, 4, 1, 0x61, 1, 0x62, 3, 1, 0x63, 0] + [UInt8](repeating: 0, count: 8) + [2, 4, 6]
    let rule: [UInt8] = [1, 0x41, 0, 2, 0x75, 0x70, 1] + alert
    let rules: [UInt8] = [1] + rule
    let body: [UInt8] = [1, 3, 0x66, 0x3b, 0x67, 0] + [UInt8(rules.count)] + rules
    return [[1] + body, [0] + body, [1, 0], [1]]
  }
}
