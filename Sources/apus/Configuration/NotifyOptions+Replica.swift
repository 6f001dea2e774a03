import Model
import Notify

extension NotifyOptions {
  /// Warnings of external labels that tell the servers of a pair apart and reach an Alertmanager: it takes the alerts of the two
  /// for different ones. `haLabel` is a name that counts besides those that say "replica".
  func replicaWarnings(haLabel: String) -> [String] {
    let names = externalLabels.pairs.map(\.name).filter { $0 == haLabel || $0.lowercased().contains("replica") }
    if names.isEmpty { return [] }
    return names.filter(reachesAlertmanager).map {
      "global.external_labels.\($0): it seems to name one server of several, and no alert_relabel_configs drops it, so "
        + "Alertmanager takes the alerts of each server for different ones"
    }
  }

  /// Warnings of Alertmanagers that cannot be told anything; Prometheus takes these settings, too.
  var reachWarnings: [String] {
    alertmanagers.enumerated().flatMap { place, set in
      var warnings: [String] = []
      if !["", "http", "https"].contains(set.scheme) {
        warnings.append("alerting.alertmanagers[\(place)]: the scheme \(quoted(set.scheme)) is neither http nor https")
      }
      if set.timeoutMilliseconds == 0 {
        warnings.append("alerting.alertmanagers[\(place)]: a timeout of 0s leaves no time to tell it anything")
      }
      return warnings
    }
  }

  private func reachesAlertmanager(_ name: String) -> Bool {
    let alert = Labels(externalLabels.pairs + [(name: LabelName.alert, value: "example")])
    return alertmanagers.contains { set in
      guard let relabelling = try? Relabelling(self.relabelling + set.alertRelabelling) else { return false }
      return relabelling.apply(to: alert)?[name] == alert[name]
    }
  }
}
