/// Where and why the bytes of an index are not what the format says.
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
