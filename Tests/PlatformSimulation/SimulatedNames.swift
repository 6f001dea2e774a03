import Glibc
import Platform

/// The error number of a simulated operation.
struct ErrorNumber: Error, CustomStringConvertible {
  var code: Int32

  init(_ code: Int32) { self.code = code }

  var description: String { errorText(code) }
}

/// The directory tree of a `SimulatedDisk`. Owned by the disk's mutex.
/// Invariant: `changes` turn every directory's durable entries into its present ones; those of one directory become
/// durable in their order, and a rename between two directories in both at once.
struct SimulatedNames {
  struct Edit {
    var directory: SimulatedNode
    var name: [UInt8]
    /// Nil when the name goes.
    var node: SimulatedNode?
  }

  struct Change {
    var edits: [Edit]
    /// Those whose order this change is part of.
    var directories: Set<ObjectIdentifier>
  }

  /// Where a path leads: the directory above, the name in it, and what has that name.
  struct Place {
    var directory: SimulatedNode
    var name: [UInt8]
    var node: SimulatedNode?
  }

  let root: SimulatedNode
  private(set) var changes: [Change] = []

  init() {
    root = SimulatedNode(kind: .directory, modifiedMilliseconds: 0)
    root.nameCount = 1
  }

  // MARK: looking

  func place(of path: String) throws(ErrorNumber) -> Place {
    guard !path.isEmpty else { throw ErrorNumber(ENOENT) }
    var place = Place(directory: root, name: [], node: root)
    for name in Self.names(in: path) {
      guard let node = place.node else { throw ErrorNumber(ENOENT) }
      guard node.kind == .directory else { throw ErrorNumber(ENOTDIR) }
      place = Place(directory: node, name: name, node: node.entries[name])
    }
    return place
  }

  func node(at path: String) throws(ErrorNumber) -> SimulatedNode {
    guard let node = try place(of: path).node else { throw ErrorNumber(ENOENT) }
    return node
  }

  func directory(at path: String) throws(ErrorNumber) -> SimulatedNode {
    let node = try node(at: path)
    guard node.kind == .directory else { throw ErrorNumber(ENOTDIR) }
    return node
  }

  /// Paths have no working directory here: `a`, `./a` and `/a` are the same.
  private static func names(in path: String) -> [[UInt8]] {
    var names: [[UInt8]] = []
    for name in path.utf8.split(separator: UInt8(ascii: "/")) where !name.elementsEqual(".".utf8) {
      if name.elementsEqual("..".utf8) { _ = names.popLast() } else { names.append(Array(name)) }
    }
    return names
  }

  // MARK: changing

  mutating func add(_ node: SimulatedNode, at place: Place) {
    change([Edit(directory: place.directory, name: place.name, node: node)])
  }

  mutating func removeFile(at place: Place) throws(ErrorNumber) {
    guard let node = place.node else { throw ErrorNumber(ENOENT) }
    guard node.kind != .directory else { throw ErrorNumber(EISDIR) }
    change([Edit(directory: place.directory, name: place.name, node: nil)])
  }

  mutating func removeDirectory(at place: Place) throws(ErrorNumber) {
    guard let node = place.node else { throw ErrorNumber(ENOENT) }
    guard node.kind == .directory else { throw ErrorNumber(ENOTDIR) }
    guard node !== root else { throw ErrorNumber(EBUSY) }
    guard node.entries.isEmpty else { throw ErrorNumber(ENOTEMPTY) }
    // Part of the removed directory's own order: it is not gone before what it held has left it.
    change([Edit(directory: place.directory, name: place.name, node: nil)], alsoOrderedWith: node)
  }

  mutating func rename(_ from: Place, to: Place) throws(ErrorNumber) {
    guard let node = from.node else { throw ErrorNumber(ENOENT) }
    if node === root || to.node === root { throw ErrorNumber(EBUSY) }
    if holds(node, to.directory) { throw ErrorNumber(EINVAL) }
    if let replaced = to.node {
      if replaced === node { return }
      if holds(replaced, from.directory) { throw ErrorNumber(ENOTEMPTY) }
      if node.kind == .directory {
        guard replaced.kind == .directory else { throw ErrorNumber(ENOTDIR) }
        guard replaced.entries.isEmpty else { throw ErrorNumber(ENOTEMPTY) }
      } else if replaced.kind == .directory {
        throw ErrorNumber(EISDIR)
      }
    }
    change(
      [
        Edit(directory: from.directory, name: from.name, node: nil),
        Edit(directory: to.directory, name: to.name, node: node),
      ], alsoOrderedWith: to.node?.kind == .directory ? to.node : nil)
  }

  /// Whether `inner` is `outer` or lies below it.
  private func holds(_ outer: SimulatedNode, _ inner: SimulatedNode) -> Bool {
    outer === inner || outer.entries.values.contains { $0.kind == .directory && holds($0, inner) }
  }

  private mutating func change(_ edits: [Edit], alsoOrderedWith directory: SimulatedNode? = nil) {
    for edit in edits {
      edit.directory.entries[edit.name]?.nameCount -= 1
      edit.directory.entries[edit.name] = edit.node
      edit.node?.nameCount += 1
    }
    var directories = Set(edits.map { ObjectIdentifier($0.directory) })
    if let directory { directories.insert(ObjectIdentifier(directory)) }
    changes.append(Change(edits: edits, directories: directories))
  }

  // MARK: durability

  /// Makes the directory's changes durable, and those of other directories that come before them.
  mutating func sync(_ directory: SimulatedNode) {
    var directories: Set<ObjectIdentifier> = [ObjectIdentifier(directory)]
    var durable: [Change] = []
    var rest: [Change] = []
    for change in changes.reversed() {
      if directories.isDisjoint(with: change.directories) {
        rest.append(change)
      } else {
        directories.formUnion(change.directories)
        durable.append(change)
      }
    }
    makeDurable(durable.reversed())
    changes = rest.reversed()
  }

  /// The tree as the next start finds it. `visit` sees each file and directory that is left, once.
  mutating func crash(keeping surviving: [Change], _ visit: (SimulatedNode) -> Void) {
    makeDurable(surviving)
    changes.removeAll()
    restart { node in
      node.entries = node.durableEntries
      visit(node)
    }
  }

  /// Walks the tree in the order of its names and counts the names anew; `visit` sees a directory before its entries.
  func restart(_ visit: (SimulatedNode) -> Void) {
    var seen: Set<ObjectIdentifier> = []
    func walk(_ node: SimulatedNode) {
      if seen.insert(ObjectIdentifier(node)).inserted {
        node.nameCount = 0
        node.openCount = 0
        visit(node)
        for (_, entry) in node.entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) { walk(entry) }
      }
      node.nameCount += 1
    }
    walk(root)
  }

  private func makeDurable(_ changes: [Change]) {
    for edit in changes.flatMap(\.edits) { edit.directory.durableEntries[edit.name] = edit.node }
  }
}
