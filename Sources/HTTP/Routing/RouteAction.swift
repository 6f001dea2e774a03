/// The name of an action that a route carries out, by which those who may do it are told from those who may not.
package struct RouteAction: Sendable, Hashable, CustomStringConvertible {
  package let name: String
  /// True if it is about the server as a whole, whichever workspace the path names.
  package let isServerWide: Bool
  /// True if it is about whichever workspaces the one who asks may do it in, and looks at each by itself: the request need not
  /// name one.
  package let decidesByWorkspace: Bool

  package init(_ name: String, isServerWide: Bool = false, decidesByWorkspace: Bool = false) {
    self.name = name
    self.isServerWide = isServerWide
    self.decidesByWorkspace = decidesByWorkspace
  }

  package var description: String { name }
}
