/// One error of a rule file. A value.
package struct RuleFileError: Error, Equatable, CustomStringConvertible {
  /// The path of the file; empty for text that has none, as that of standard input.
  package var file: String
  /// The place where it is known, the group and rule where it is one's, and the error: Prometheus's words, which may have
  /// several lines.
  package var text: String

  package init(file: String, text: String) {
    self.file = file
    self.text = text
  }

  package var description: String { file.isEmpty ? text : "\(file): \(text)" }
}

/// All errors of rule files, in the order of the files and their texts; never empty where it is thrown. A value.
package struct RuleFileErrors: Error, Equatable, CustomStringConvertible {
  /// The most errors that are kept; further ones are counted.
  package static let errorsMax = 1000
  /// The most bytes of their texts, the first one's not counted: a few lines of aliases can stand for billions.
  package static let bytesMax = 4 << 20

  package private(set) var errors: [RuleFileError] = []
  /// Errors beyond those that are kept.
  package private(set) var unlisted = 0
  private var bytes = 0

  package init(_ errors: [RuleFileError] = []) { for error in errors { add(error) } }

  package var isEmpty: Bool { errors.isEmpty }
  package var count: Int { errors.count + unlisted }

  package mutating func add(_ error: RuleFileError) {
    let more = errors.isEmpty ? 0 : error.text.utf8.count
    if errors.count >= RuleFileErrors.errorsMax || bytes + more > RuleFileErrors.bytesMax {
      unlisted += 1
      return
    }
    bytes += more
    errors.append(error)
  }

  package mutating func add(_ others: RuleFileErrors) {
    for error in others.errors { add(error) }
    unlisted += others.unlisted
  }

  /// One text for each error, and one for those that are not kept.
  package var lines: [String] {
    errors.map(\.description) + (unlisted > 0 ? ["and \(unlisted) more errors"] : [])
  }

  package var description: String { lines.joined(separator: "\n") }
}
