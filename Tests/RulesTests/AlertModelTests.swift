import Model
import PromQL
import TestKit
import Testing

@testable import Rules

/// The states of one alert, written down plainly: what Prometheus's loop does with it, step after step.
private struct PlainAlert: Equatable {
  var state = AlertState.inactive
  var activeAt: Int64 = 0
  var firedAt: Int64?
  var resolvedAt: Int64?
  var sentAt: Int64?
  var keptSince: Int64?

  init(at time: Int64) {
    state = .pending
    activeAt = time
  }

  init(_ alert: AlertInstance) {
    state = alert.state
    activeAt = alert.activeAt
    (firedAt, resolvedAt) = (alert.firedAt, alert.resolvedAt)
    (sentAt, keptSince) = (alert.lastSentAt, alert.keepFiringSince)
  }
}

private struct PlainModel {
  var hold: Int64
  var keep: Int64
  var limit: Int
  var alerts: [String: PlainAlert] = [:]

  /// False where the limit is exceeded.
  mutating func round(_ names: Set<String>, at time: Int64) -> Bool {
    for name in names where alerts[name] == nil || alerts[name]?.state == .inactive {
      alerts[name] = PlainAlert(at: time)
    }
    var active = 0
    for (name, before) in alerts {
      var alert = before
      if names.contains(name) {
        alert.keptSince = nil
      } else {
        var isKept = false
        if alert.state == .firing && keep > 0 {
          alert.keptSince = alert.keptSince ?? time
          isKept = time - (alert.keptSince ?? time) < keep
        }
        let isOld = alert.resolvedAt.map { time - $0 > 900_000 } ?? false
        if alert.state == .pending || isOld {
          alerts[name] = nil
          continue
        }
        if alert.state != .inactive && !isKept {
          alert.state = .inactive
          alert.resolvedAt = time
        }
        alerts[name] = alert
        if !isKept { continue }
      }
      active += 1
      if alert.state == .pending && time - alert.activeAt >= hold {
        alert.state = .firing
        alert.firedAt = time
      }
      if alert.state == .firing && time - alert.activeAt < hold {
        alert.state = .pending
        (alert.firedAt, alert.sentAt, alert.keptSince) = (nil, nil, nil)
      }
      alerts[name] = alert
    }
    if limit > 0 && active > limit {
      alerts = [:]
      return false
    }
    return true
  }

  mutating func send(at time: Int64, resend: Int64) -> Set<String> {
    var sent: Set<String> = []
    for (name, alert) in alerts where alert.state != .pending {
      let isNew = alert.sentAt == nil
      let isNews = alert.resolvedAt.map { $0 > alert.sentAt ?? .min } ?? false
      if isNew || isNews || (alert.sentAt ?? 0) + resend <= time {
        alerts[name]?.sentAt = time
        sent.insert(name)
      }
    }
    return sent
  }
}

@Suite("Rules.AlertTable, against a plain model") struct AlertModelTests {
  @Test("any course of results, terms and sends gives the states of the plain model") func courses() throws {
    var random = RandomSource(for: "courses of alerts")
    for _ in 0..<60 {
      let limit = random.below(4) == 0 ? 4 : 0
      var table = AlertTableTests.table(limit: limit)
      var model = PlainModel(hold: 0, keep: 0, limit: limit)
      var time: Int64 = 1_700_000_000_000
      for _ in 0..<80 {
        time += [1000, 15_000, 60_000, 400_000][random.below(4)]
        if random.below(6) == 0 {
          model.hold = [0, 30_000, 120_000][random.below(3)]
          model.keep = [0, 30_000, 300_000][random.below(3)]
          table.terms.holdMilliseconds = model.hold
          table.terms.keepFiringMilliseconds = model.keep
        }
        let names = Set(["a", "b", "c", "d", "e", "f"].filter { _ in random.below(3) > 0 })
        var isWithin = true
        do throws(RuleError) {
          try table.apply(names.sorted().map { AlertTableTests.finding($0) }, at: time)
        } catch {
          isWithin = false
        }
        #expect(isWithin == model.round(names, at: time))
        if isWithin {
          let notices = table.due(
            at: time, intervalMilliseconds: 15_000, resendMilliseconds: 60_000, generatorURL: "")
          #expect(Set(notices.compactMap { $0.labels["name"] }) == model.send(at: time, resend: 60_000))
        }
        let states = table.alerts.map { ($0.labels["name"] ?? "", PlainAlert($0)) }
        #expect(Dictionary(uniqueKeysWithValues: states) == model.alerts)
        #expect(table.places.count == table.alerts.count)
        #expect(table.alerts.indices.allSatisfy { table.places[table.alerts[$0].labels] == $0 })
      }
    }
  }
}
