import Platform

/// A change of the stored groups that was not made; the store is as it was. A value.
package enum RuleStoreError: Error, CustomStringConvertible {
  /// The text is not one group, or not a file of groups.
  case unreadable(String)
  /// The groups break a rule of rule files, or a limit of the store.
  case refused(String)
  case noGroup
  case noNamespace
  /// There is a namespace of the name already.
  case namespaceExists
  /// The disk did not take the change.
  case disk(DiskError)

  package var description: String {
    switch self {
    case .unreadable(let why): "unable to decode rule group: \(why)"
    case .refused(let why): why
    case .noGroup: "group does not exist"
    case .noNamespace: "group namespace does not exist"
    case .namespaceExists: "group namespace exists already"
    case .disk(let error): "the rule groups could not be stored: \(error)"
    }
  }
}

extension RuleStoreError {
  /// Prometheus's beginning of the error of a text whose shape is wrong.
  private static let shapeStart = "yaml: unmarshal errors:\n"

  /// Reads a part of a rule file, with its errors as one line: clients show no more of an answer.
  static func of<Result>(_ read: () throws(RuleFileErrors) -> Result) throws(RuleStoreError) -> Result {
    do throws(RuleFileErrors) {
      return try read()
    } catch {
      let texts = error.errors.map(\.text)
      if texts.contains(where: { $0.hasPrefix(shapeStart) }) {
        let lines = texts.flatMap { $0.split(separator: "\n") }.filter { $0 + "\n" != shapeStart }
        throw .unreadable(lines.map { String($0.drop { $0 == " " }) }.joined(separator: ", "))
      }
      let more = error.unlisted > 0 ? ["and \(error.unlisted) more errors"] : []
      throw .refused((texts + more).joined(separator: ", ").replacing("\n", with: " "))
    }
  }
}
