import Model
import Testing

@testable import Discovery

@Suite struct KubernetesMirrorTests {
  private static func options(
    _ role: KubernetesDiscoveryOptions.Role, _ change: (inout KubernetesDiscoveryOptions) -> Void = { _ in }
  ) -> KubernetesDiscoveryOptions {
    var options = KubernetesDiscoveryOptions()
    options.role = role
    change(&options)
    return options
  }

  /// A mirror with one discovery of a role, whose number is 1.
  private static func mirror(_ options: KubernetesDiscoveryOptions) -> (KubernetesMirror, KubernetesPart) {
    var mirror = KubernetesMirror()
    let part = options.parts(ownNamespace: nil)[0]
    mirror.add(1, KubernetesView(part, options))
    return (mirror, part)
  }

  private static func object(_ kind: KubernetesKind, _ json: String) throws -> KubernetesObject {
    try #require(KubernetesObject(Array(json.utf8), kind))
  }

  private static func list(
    _ objects: [KubernetesObject], _ resource: KubernetesResource, in mirror: inout KubernetesMirror
  ) {
    mirror.beginList(resource)
    for object in objects { _ = mirror.put(object, resource) }
    _ = mirror.endList(resource)
  }

  /// Sources of the groups that have changed, with the number of their targets.
  private static func changes(_ mirror: inout KubernetesMirror) -> [String: Int] {
    var changes: [String: Int] = [:]
    for (_, groups) in mirror.takeGroups() {
      for group in groups { changes[group.source] = group.targets.count }
    }
    return changes
  }

  @Test("groups come once all that they need is listed, and then as they change")
  func order() throws {
    var (mirror, part) = Self.mirror(Self.options(.pod) { $0.attached.node = true })
    let nodes = try #require(part.resource(.node))
    Self.list([try Self.object(.pod, KubernetesShape.pod("a"))], part.primary, in: &mirror)
    #expect(Self.changes(&mirror).isEmpty)
    Self.list([try Self.object(.node, #"{"metadata":{"name":"n1"}}"#)], nodes, in: &mirror)
    #expect(Self.changes(&mirror) == ["pod/default/a": 1])
    #expect(Self.changes(&mirror).isEmpty)
    #expect(mirror.put(try Self.object(.pod, KubernetesShape.pod("b")), part.primary) == .add)
    #expect(mirror.put(try Self.object(.pod, KubernetesShape.pod("a", ip: "5.5.5.5")), part.primary) == .update)
    #expect(Self.changes(&mirror) == ["pod/default/a": 1, "pod/default/b": 1])
    #expect(mirror.delete("default/a", part.primary) == .delete)
    #expect(mirror.delete("default/a", part.primary) == nil)
    #expect(Self.changes(&mirror) == ["pod/default/a": 0])
  }

  @Test("an object that says nothing new changes nothing")
  func same() throws {
    var (mirror, part) = Self.mirror(Self.options(.pod))
    let pod = try Self.object(.pod, KubernetesShape.pod("a"))
    Self.list([pod], part.primary, in: &mirror)
    _ = Self.changes(&mirror)
    #expect(mirror.put(try Self.object(.pod, KubernetesShape.pod("a", version: 9)), part.primary) == nil)
    #expect(Self.changes(&mirror).isEmpty)
  }

  @Test("a list again removes what it does not name; one that is cut removes nothing")
  func listAgain() throws {
    var (mirror, part) = Self.mirror(Self.options(.pod))
    let pods = try ["a", "b", "c"].map { try Self.object(.pod, KubernetesShape.pod($0)) }
    Self.list(pods, part.primary, in: &mirror)
    _ = Self.changes(&mirror)
    mirror.beginList(part.primary)
    _ = mirror.put(pods[0], part.primary)
    #expect(Self.changes(&mirror).isEmpty)
    mirror.beginList(part.primary)
    _ = mirror.put(pods[1], part.primary)
    #expect(mirror.endList(part.primary) == 2)
    #expect(Self.changes(&mirror) == ["pod/default/a": 0, "pod/default/c": 0])
  }

  @Test("a pod that loses its address loses its targets, once")
  func evicted() throws {
    var (mirror, part) = Self.mirror(Self.options(.pod))
    Self.list([try Self.object(.pod, KubernetesShape.pod("a"))], part.primary, in: &mirror)
    _ = Self.changes(&mirror)
    _ = mirror.put(try Self.object(.pod, KubernetesShape.pod("a", ip: "")), part.primary)
    #expect(Self.changes(&mirror) == ["pod/default/a": 0])
    _ = mirror.delete("default/a", part.primary)
    #expect(Self.changes(&mirror).isEmpty)
  }

  @Test("a change of a node, namespace, owner, service or pod renews the groups that refer to it, and no others")
  func references() throws {
    var (mirror, part) = Self.mirror(
      Self.options(.endpoints) {
        $0.attached.node = true
        $0.attached.namespace = true
      })
    func endpoints(_ name: String, _ pod: String, _ node: String) -> String {
      """
      {"metadata":{"name":"\(name)","namespace":"default"},"subsets":[{"addresses":[{"ip":"1.1.1.1",
       "nodeName":"\(node)","targetRef":{"kind":"Pod","namespace":"default","name":"\(pod)"}}],
       "ports":[{"port":80}]}]}
      """
    }
    Self.list(
      [
        try Self.object(.endpoints, endpoints("x", "px", "nx")),
        try Self.object(.endpoints, endpoints("y", "py", "ny")),
      ],
      part.primary, in: &mirror)
    for other in part.others { Self.list([], other, in: &mirror) }
    #expect(Self.changes(&mirror) == ["endpoints/default/x": 1, "endpoints/default/y": 1])
    func change(_ kind: KubernetesKind, _ json: String) throws -> [String: Int] {
      _ = mirror.put(try Self.object(kind, json), try #require(part.resource(kind)))
      return Self.changes(&mirror)
    }
    #expect(try change(.node, #"{"metadata":{"name":"nx"}}"#) == ["endpoints/default/x": 1])
    #expect(try change(.node, #"{"metadata":{"name":"other"}}"#) == [:])
    #expect(try change(.service, #"{"metadata":{"name":"y","namespace":"default"}}"#) == ["endpoints/default/y": 1])
    #expect(try change(.pod, KubernetesShape.pod("py")) == ["endpoints/default/y": 1])
    #expect(try change(.pod, KubernetesShape.pod("pz")) == [:])
    #expect(
      try change(.namespace, KubernetesShape.namespace) == ["endpoints/default/x": 1, "endpoints/default/y": 1])
    #expect(try change(.namespace, #"{"metadata":{"name":"elsewhere"}}"#) == [:])
  }

  @Test("an owner's change renews its pods; endpoints do not wait for owners")
  func owners() throws {
    var (mirror, part) = Self.mirror(Self.options(.pod) { $0.attached.deployment = true })
    Self.list([try Self.object(.pod, KubernetesShape.pod)], part.primary, in: &mirror)
    #expect(Self.changes(&mirror).isEmpty)
    let sets = try #require(part.resource(.replicaset))
    Self.list([], sets, in: &mirror)
    #expect(Self.changes(&mirror) == ["pod/default/testpod": 4])
    _ = mirror.put(try Self.object(.replicaset, #"{"metadata":{"name":"testrs","namespace":"default"}}"#), sets)
    #expect(Self.changes(&mirror) == ["pod/default/testpod": 4])
    let endpoints = Self.options(.endpoints) { $0.attached.deployment = true }.parts(ownNamespace: nil)[0]
    #expect(
      KubernetesView(endpoints, Self.options(.endpoints)).required.map(\.kind.rawValue).sorted() == [
        "endpoints", "pod", "service",
      ])
  }

  @Test("discoveries share a resource; it is unused when the last of them goes")
  func shared() throws {
    var mirror = KubernetesMirror()
    let pods = Self.options(.pod)
    let slices = Self.options(.endpointslice)
    mirror.add(1, KubernetesView(pods.parts(ownNamespace: nil)[0], pods))
    mirror.add(2, KubernetesView(slices.parts(ownNamespace: nil)[0], slices))
    #expect(
      mirror.resources.map(\.path).sorted() == [
        "/api/v1/pods", "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices",
      ])
    #expect(mirror.remove(1).isEmpty)
    #expect(mirror.remove(2).map(\.kind.rawValue).sorted() == ["endpointslice", "pod", "service"])
    #expect(mirror.resources.isEmpty)
  }

  @Test("namespaces, the own one and selectors make resources")
  func parts() {
    let options = Self.options(.pod) {
      $0.namespaces = ["a", "b", "a"]
      $0.ownNamespace = true
      $0.attached.node = true
      $0.selectors = [.init(), .init()]
      $0.selectors[0].role = "pod"
      $0.selectors[0].label = "app=x"
      $0.selectors[1].role = "node"
      $0.selectors[1].field = "metadata.name=n"
    }
    let parts = options.parts(ownNamespace: "own")
    #expect(
      parts.map(\.primary.path) == [
        "/api/v1/namespaces/a/pods", "/api/v1/namespaces/b/pods", "/api/v1/namespaces/own/pods",
      ])
    #expect(parts[0].primary.labelSelector == "app=x")
    #expect(parts[0].others == [KubernetesResource(kind: .node, fieldSelector: "metadata.name=n")])
    #expect(
      Self.options(.node) { $0.namespaces = ["a"] }.parts(ownNamespace: nil).map(\.primary.path) == ["/api/v1/nodes"])
    #expect(
      Self.options(.ingress) { $0.namespaces = ["a"] }.parts(ownNamespace: nil)[0].primary.path
        == "/apis/networking.k8s.io/v1/namespaces/a/ingresses")
  }
}
