/// Damage in an index: the place, and how its bytes break the format.
package struct IndexDamage: Error, Equatable, Sendable, CustomStringConvertible {
  package var reason: String
  /// From the start of the file.
  package var offset: Int

  package init(_ reason: String, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  package var description: String { "\(reason) at byte \(offset)" }
}
