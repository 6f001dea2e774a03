/// The name of an action that a route carries out, by which those who may do it are told from those who may not.
package struct RouteAction: Sendable, Hashable, CustomStringConvertible {
  package let name: String

  package init(_ name: String) { self.name = name }

  package var description: String { name }
}
