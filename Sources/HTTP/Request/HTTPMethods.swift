/// A set of request methods: one for a request, several for a route.
package struct HTTPMethods: OptionSet, Sendable, CustomStringConvertible {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let get = HTTPMethods(rawValue: 1)
  package static let head = HTTPMethods(rawValue: 2)
  package static let post = HTTPMethods(rawValue: 4)
  package static let put = HTTPMethods(rawValue: 8)
  package static let patch = HTTPMethods(rawValue: 16)
  package static let delete = HTTPMethods(rawValue: 32)
  package static let options = HTTPMethods(rawValue: 64)

  private static let names: [(HTTPMethods, StaticString)] = [
    (.get, "GET"), (.head, "HEAD"), (.post, "POST"), (.put, "PUT"), (.patch, "PATCH"), (.delete, "DELETE"),
    (.options, "OPTIONS"),
  ]

  /// The method of a request line; the empty set for one we do not know.
  init(name: some Collection<UInt8>) {
    let known = Self.names.first { name.elementsEqual($0.1.rawBytes) }
    rawValue = known?.0.rawValue ?? 0
  }

  /// As the header `Allow` has it.
  package var description: String {
    Self.names.filter { contains($0.0) }.map { $0.1.description }.joined(separator: ", ")
  }
}
