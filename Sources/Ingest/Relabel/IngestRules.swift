import Model

/// The rules of a workspace for the labels of everything it receives, as configured: renames come first, then the
/// relabelling rules, which see the new names. A value.
package struct IngestRules: Sendable, Equatable {
  /// Gives a metric another name, so that dashboards and rules made for one collector work with the next.
  package struct Rename: Sendable, Equatable {
    /// A regular expression of the whole name; a name is one that matches itself.
    package var from: String
    /// The new name; it may use the groups of `from`.
    package var to: String
    /// True if the series is stored under its old name as well.
    package var keepsOld: Bool

    package init(from: String, to: String, keepsOld: Bool = false) {
      self.from = from
      self.to = to
      self.keepsOld = keepsOld
    }

    var rule: RelabelRule {
      RelabelRule(.replace, of: [LabelName.metric], regex: from, to: LabelName.metric, replacement: to)
    }
  }

  package var renames: [Rename] = []
  package var relabel: [RelabelRule] = []

  package init() {}

  /// Renames and relabelling as one list of rules, in the order they apply.
  package var rules: [RelabelRule] { renames.map(\.rule) + relabel }

  /// The reason why the rules cannot be applied together, though each compiles by itself; nil where they can.
  package var fault: String? {
    do throws(RegexError) {
      _ = try SeriesRewriting(self, turn: 1)
      return nil
    } catch { return error.description }
  }

  /// A regular expression of the old names that are kept beside the new ones; nil where no rename keeps its name.
  var keptNames: String? {
    let kept = renames.filter(\.keepsOld).map { "(?:\($0.from))" }
    return kept.isEmpty ? nil : kept.joined(separator: "|")
  }
}
