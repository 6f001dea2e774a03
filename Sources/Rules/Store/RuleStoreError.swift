import Platform

/// A change of the stored groups that was not made; the store is as it was. A value.
package enum RuleStoreError: Error, CustomStringConvertible {
  /// The text is not one group, or not a file of groups.
  case unreadable(String)
  /// The groups break a rule of rule files, or a limit of the store.
  case refused(String)
  case noGroup
  case noNamespace
  /// The disk did not take the change.
  case disk(DiskError)

  package var description: String {
    switch self {
    case .unreadable(let why): "unable to decode rule group: \(why)"
    case .refused(let why): why
    case .noGroup: "group does not exist"
    case .noNamespace: "group namespace does not exist"
    case .disk(let error): "the rule groups could not be stored: \(error)"
    }
  }
}
