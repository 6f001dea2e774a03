/// Where and why the bytes of an index are not what its format says.
package struct IndexFault: Error, Equatable, Sendable, CustomStringConvertible {
  package var reason: String
  package var offset: Int

  package init(_ reason: String, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  package var description: String { "\(reason) at byte \(offset)" }
}
