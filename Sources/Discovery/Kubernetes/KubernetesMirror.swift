import Model

/// Copies of a cluster's objects, and the groups that discoveries make of them. A value that one thread owns: events go in,
/// changed groups come out.
struct KubernetesMirror {
  /// Objects of one resource; further ones are left out, and counted.
  static let objectsMax = 500_000

  private struct Store {
    var objects: [String: KubernetesObject] = [:]
    /// Keys that the list under way has named; nil when none is.
    var listed: Set<String>?
    var isListed = false
    /// Discoveries that use it.
    var users: [Int] = []
  }

  private var stores: [KubernetesResource: Store] = [:]
  private var views: [Int: KubernetesView] = [:]
  /// Objects that were left out because there are too many.
  private(set) var leftOut = 0

  /// The resources that discoveries use.
  var resources: Set<KubernetesResource> { Set(stores.keys) }

  func count(_ resource: KubernetesResource) -> Int { stores[resource]?.objects.count ?? 0 }

  // MARK: Discoveries

  /// Adds a discovery's part; its groups come once all it needs is listed.
  mutating func add(_ id: Int, _ view: KubernetesView) {
    views[id] = view
    for resource in view.part.resources { stores[resource, default: Store()].users.append(id) }
  }

  /// Removes it; returns the resources that nobody uses any more.
  mutating func remove(_ id: Int) -> [KubernetesResource] {
    guard let view = views.removeValue(forKey: id) else { return [] }
    var unused: [KubernetesResource] = []
    for resource in view.part.resources {
      stores[resource]?.users.removeAll { $0 == id }
      guard stores[resource]?.users.isEmpty == true else { continue }
      stores[resource] = nil
      unused.append(resource)
    }
    return unused
  }

  // MARK: Events

  enum Change: Sendable { case add, update, delete }

  /// A list begins: what it does not name is gone when it ends.
  mutating func beginList(_ resource: KubernetesResource) { stores[resource]?.listed = [] }

  /// Takes an object over. Returns what it did; nil where it says nothing new.
  mutating func put(_ object: KubernetesObject, _ resource: KubernetesResource) -> Change? {
    guard stores[resource] != nil else { return nil }
    let key = object.metadata.key
    stores[resource]?.listed?.insert(key)
    let old = stores[resource]?.objects[key]
    if old == object { return nil }
    if old == nil, count(resource) >= Self.objectsMax {
      leftOut += 1
      return nil
    }
    stores[resource]?.objects[key] = object
    mark(resource, key)
    return old == nil ? .add : .update
  }

  mutating func delete(_ key: String, _ resource: KubernetesResource) -> Change? {
    guard stores[resource]?.objects.removeValue(forKey: key) != nil else { return nil }
    mark(resource, key)
    return .delete
  }

  /// The list has ended; returns the number of objects that are gone.
  mutating func endList(_ resource: KubernetesResource) -> Int {
    guard let listed = stores[resource]?.listed else { return 0 }
    let gone = stores[resource]?.objects.keys.filter { !listed.contains($0) } ?? []
    for key in gone { _ = delete(key, resource) }
    stores[resource]?.listed = nil
    stores[resource]?.isListed = true
    return gone.count
  }

  private mutating func mark(_ resource: KubernetesResource, _ key: String) {
    for id in stores[resource]?.users ?? [] { views[id]?.mark(resource, key) }
  }

  // MARK: Groups

  /// The groups that have changed since the last call, by discovery.
  mutating func takeGroups() -> [(id: Int, groups: [TargetGroup])] {
    views.keys.sorted().compactMap { id in
      guard var view = views[id] else { return nil }
      let isReady = view.required.allSatisfy { stores[$0]?.isListed == true }
      guard isReady, view.hasChanges else { return nil }
      let groups = view.takeGroups(objects: stores[view.part.primary]?.objects ?? [:], KubernetesLinks(self, view.part))
      views[id] = view
      return groups.isEmpty ? nil : (id, groups)
    }
  }

  fileprivate func object(_ resource: KubernetesResource, _ key: String) -> KubernetesObject? {
    stores[resource]?.objects[key]
  }
}

/// The objects that a part's groups refer to.
private struct KubernetesLinks: KubernetesLookup {
  private let mirror: KubernetesMirror
  private let resources: [KubernetesKind: KubernetesResource]

  init(_ mirror: KubernetesMirror, _ part: KubernetesPart) {
    self.mirror = mirror
    resources = Dictionary(uniqueKeysWithValues: part.others.map { ($0.kind, $0) })
  }

  func object(_ kind: KubernetesKind, _ key: String) -> KubernetesObject? {
    resources[kind].flatMap { mirror.object($0, key) }
  }
}
