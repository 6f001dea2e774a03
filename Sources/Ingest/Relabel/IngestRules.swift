import Model

/// The rules of a workspace for the labels of everything it receives, as configured: renames come first, then the
/// relabelling rules, which see the new names. A value.
package struct IngestRules: Sendable, Equatable {
  /// Gives a metric another name, so that what was made for one collector goes on with the next.
  package struct Rename: Sendable, Equatable {
    /// A regular expression of the whole name; a name is one that matches itself.
    package var from: String
    /// May use the groups of `from`.
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

  /// All of it as rules, in the order they are applied.
  package var rules: [RelabelRule] { renames.map(\.rule) + relabel }

  /// Why the rules cannot be applied together, though each compiles by itself; nil where they can.
  package var fault: String? {
    do throws(RegexError) {
      _ = try SeriesRewriting(self, turn: 1)
      return nil
    } catch { return error.description }
  }

  /// Names that are kept beside the new ones; nil where there are none.
  var keptNames: String? {
    let kept = renames.filter(\.keepsOld).map { "(?:\($0.from))" }
    return kept.isEmpty ? nil : kept.joined(separator: "|")
  }
}
