import Model

@testable import Discovery

// What the API server of a cluster and Consul answer, and the file that says how to reach a cluster.
extension FuzzTarget {
  static let clusters = [
    // The pieces that an answer comes in change nothing; whatever its objects say, groups can be made of them.
    FuzzTarget(
      name: "kubernetes-stream",
      seeds: {
        let pod =
          "{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"labels\":{\"x/y\":\"z\"}},\"spec\":{\"containers\":"
          + "[{\"name\":\"c\",\"ports\":[{\"containerPort\":80}]}]},\"status\":{\"podIP\":\"1.1.1.1\"}}"
        let list = "{\"metadata\":{\"resourceVersion\":\"1\",\"continue\":\"t\"},\"items\":[\(pod),{}]}"
        let watch =
          "{\"type\":\"ADDED\",\"object\":\(pod)}\n{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":"
          + "{\"resourceVersion\":\"9\"}}}\n{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n"
        let slice =
          "{\"items\":[{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\",\"ports\":[{\"port\":1}],\"endpoints\":"
          + "[{\"addresses\":[\"a\"],\"targetRef\":{\"kind\":\"Pod\",\"name\":\"a\",\"namespace\":\"n\"}}]}]}"
        return texts("\u{0}\u{5}\(list)", "\u{1}\u{1}\(watch)", "\u{6}\u{20}\(slice)")
      }
    ) { readKubernetes(Array($0)) },
    FuzzTarget(
      name: "kubeconfig",
      seeds: {
        texts(
          "current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\nclusters: [{name: b, cluster: "
            + "{server: 'https://x', certificate-authority-data: UEVN}}]\nusers: [{name: c, user: {token: t}}]\n")
      }
    ) { _ = try? Kubeconfig.access(Array($0), path: "/a/b") },
    FuzzTarget(
      name: "consul-answer",
      seeds: {
        texts(
          "{\"a\":[\"t\"]}",
          "[{\"Node\":{\"Address\":\"1.1.1.1\",\"Meta\":{\"a-b\":\"c\"}},\"Service\":{\"Port\":1,\"Tags\":[\"x\"]},"
            + "\"Checks\":[{\"Status\":\"passing\"}]}]")
      }
    ) { bytes in
      let bytes = Array(bytes)
      _ = ConsulAnswer.datacenter(bytes)
      _ = ConsulAnswer.services(bytes)
      guard let group = ConsulAnswer.group(bytes, service: "s", datacenter: "d", tagSeparator: ",") else { return }
      precondition(group.targets.allSatisfy { $0.has("__address__") }, "a target without an address")
    },
  ]

  private struct NoObjects: KubernetesLookup {
    func object(_ kind: KubernetesKind, _ key: String) -> KubernetesObject? { nil }
  }

  /// The first two bytes choose the kind, list or watch, and the size of the pieces.
  private static func readKubernetes(_ bytes: [UInt8]) {
    guard bytes.count > 2 else { return }
    let kind = KubernetesKind.allCases[Int(bytes[0] >> 1) % KubernetesKind.allCases.count]
    func events(_ pieces: Int) -> ([KubernetesEvent], KubernetesEventReader) {
      var reader = KubernetesEventReader(kind, isWatch: bytes[0] & 1 == 1, valueBytesMax: 4096)
      var events: [KubernetesEvent] = []
      var rest = bytes[2...]
      while !rest.isEmpty {
        let goesOn = reader.take(rest.prefix(pieces)) {
          events.append($0)
          return true
        }
        if !goesOn { break }
        rest = rest.dropFirst(pieces)
      }
      return (events, reader)
    }
    let (whole, one) = events(.max)
    let (inPieces, two) = events(max(1, Int(bytes[1])))
    precondition(whole == inPieces && one.version == two.version && one.trouble == two.trouble, "pieces change events")
    let role = KubernetesDiscoveryOptions.Role(rawValue: kind.rawValue) ?? .pod
    let groups = KubernetesGroup(role: role, attached: .init(), others: NoObjects())
    for case .object(let object) in whole {
      guard let group = groups.group(object) else { continue }
      precondition(
        group.targets.allSatisfy { $0.packed.withUnsafeBytes { Labels.isPacked($0) } }, "labels that are none")
    }
  }
}
