import Format
import Model
import Platform

/// Merges blocks into one new block, series by series in the order of their labels. Used once, by one thread.
///
/// What is held in memory at a time is one series' list of chunks and what the writer keeps for the index; chunks go from
/// the parents' mapped files to the new file. Parents stay as they are; the caller removes them.
package struct BlockMerge {
  /// How long the samples of each series are kept.
  package struct Retention {
    package var rules: RetentionRules
    package var newestTime: Int64

    package init(rules: RetentionRules, newestTime: Int64) {
      self.rules = rules
      self.newestTime = newestTime
    }
  }

  let parents: [Block]
  let retention: Retention?
  let now: Int64
  let shouldStop: () -> Bool

  /// - Parameters:
  ///   - retention: nil: samples leave only by tombstones.
  ///   - shouldStop: asked for each series; true ends the merge with `stopped`.
  package init(
    _ parents: [Block], retention: Retention? = nil, now: Int64, shouldStop: @escaping () -> Bool = { false }
  ) {
    precondition(!parents.isEmpty, "there is something to merge")
    self.parents = parents
    self.retention = retention
    self.now = now
    self.shouldStop = shouldStop
  }
}
