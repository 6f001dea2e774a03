import Discovery
import Model

/// From the labels that a discovery found to a target. Pure.
package enum TargetLabels {
  package enum Outcome: Sendable, Equatable {
    /// `labels` has `__address__`, `__scheme__` and the like still, without `__meta_`.
    case target(discovered: Labels, labels: Labels)
    case dropped(discovered: Labels)
    /// Only this target is not scraped.
    case fault(discovered: Labels, String)
  }

  /// The outcome for a target of a group.
  package static func make(
    _ target: Labels, of group: TargetGroup, _ options: ScrapeOptions, _ relabelling: Relabelling
  ) -> Outcome { .dropped(discovered: target) }
}
