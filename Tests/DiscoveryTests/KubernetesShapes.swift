import Format
import Model
import Testing

@testable import Discovery

/// Objects of one cluster for tests: what the ones of a group refer to.
struct KubernetesShelf: KubernetesLookup {
  var objects: [String: KubernetesObject] = [:]

  mutating func add(_ kind: KubernetesKind, _ json: String) {
    guard let object = KubernetesObject(Array(json.utf8), kind) else {
      Issue.record("no object of \(kind): \(json)")
      return
    }
    objects["\(kind) \(object.metadata.key)"] = object
  }

  func object(_ kind: KubernetesKind, _ key: String) -> KubernetesObject? { objects["\(kind) \(key)"] }
}

extension KubernetesShelf {
  /// The group that a role makes of an object.
  func group(
    _ role: KubernetesDiscoveryOptions.Role, _ json: String,
    _ attach: (inout KubernetesDiscoveryOptions.Attached) -> Void = { _ in }
  ) throws -> TargetGroup {
    var attached = KubernetesDiscoveryOptions.Attached()
    attach(&attached)
    let kind = try #require(KubernetesKind(rawValue: role.rawValue))
    let object = try #require(KubernetesObject(Array(json.utf8), kind))
    return try #require(KubernetesGroup(role: role, attached: attached, others: self).group(object))
  }
}

extension Labels {
  /// Names without the prefix of Kubernetes, and their values.
  var short: [String: String] {
    Dictionary(
      uniqueKeysWithValues: pairs.map { name, value in
        (name.hasPrefix("__meta_kubernetes_") ? String(name.dropFirst(18)) : name, value)
      })
  }
}

/// Objects in the shape that the API sends.
enum KubernetesShape {
  static let pod = """
    {"metadata":{"name":"testpod","namespace":"default","uid":"abc123","resourceVersion":"7",
      "labels":{"test/label":"testvalue"},"annotations":{"test/annotation":"testannotationvalue"},
      "ownerReferences":[{"kind":"Other","name":"no"},{"kind":"ReplicaSet","name":"testrs","controller":true}],
      "managedFields":[{"manager":"kubelet","fieldsV1":{"f:metadata":{}}}]},
     "spec":{"nodeName":"testnode",
      "initContainers":[{"name":"initcontainer","image":"initcontainer:latest"}],
      "containers":[
       {"name":"testcontainer0","image":"testcontainer0:latest","ports":[
         {"name":"testport0","protocol":"TCP","containerPort":9000},
         {"name":"testport1","protocol":"UDP","containerPort":9001}]},
       {"name":"testcontainer1","image":"testcontainer1:latest"}]},
     "status":{"phase":"Running","podIP":"1.2.3.4","hostIP":"2.3.4.5",
      "conditions":[{"type":"Initialized","status":"False"},{"type":"Ready","status":"True"}],
      "containerStatuses":[{"name":"testcontainer0","containerID":"docker://a1b2c3d4e5f6"},
       {"name":"testcontainer1","containerID":"containerd://6f5e4d3c2b1a"}],
      "initContainerStatuses":[{"name":"initcontainer","containerID":"containerd://abcdef123456"}]}}
    """

  static let node = """
    {"metadata":{"name":"testnode","labels":{"zone":"eu-1a"},"annotations":{"a.b":"c"}},
     "spec":{"providerID":"aws:///nl-north-7b/i-03149834983492827"},
     "status":{"addresses":[{"type":"Hostname","address":"host.internal"},{"type":"InternalIP","address":"1.2.3.4"},
       {"type":"InternalIP","address":"fd00::1"}],
      "conditions":[{"type":"Ready","status":"True"},{"type":"DiskPressure","status":"False"}],
      "daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}}
    """

  static let namespace = """
    {"metadata":{"name":"default","labels":{"team":"web"},"annotations":{"owner":"x"}}}
    """

  static let service = """
    {"metadata":{"name":"testendpoints","namespace":"default","labels":{"app/name":"test"}},
     "spec":{"type":"ClusterIP","clusterIP":"10.0.0.1","ports":[{"name":"main","port":30900,"protocol":"TCP"}]},
     "status":{"loadBalancer":{}}}
    """

  static func pod(_ name: String, ip: String = "1.2.3.4", version: Int = 1, node: String = "n1") -> String {
    """
    {"metadata":{"name":"\(name)","namespace":"default","uid":"u-\(name)","resourceVersion":"\(version)"},
    "spec":{"nodeName":"\(node)","containers":[{"name":"c","image":"i","ports":[{"name":"m","containerPort":80,
    "protocol":"TCP"}]}]},"status":{"phase":"Running","podIP":"\(ip)","hostIP":"9.9.9.9"}}
    """.split(separator: "\n").joined()
  }
}
