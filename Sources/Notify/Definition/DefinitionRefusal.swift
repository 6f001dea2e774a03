/// The reason why a definition did not come into effect; the one before it is in effect.
package enum DefinitionRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// The definition is at fault.
  case refused(String)
  /// Trying again may help.
  case failed(String)

  package var description: String {
    switch self {
    case .refused(let text), .failed(let text): text
    }
  }
}
