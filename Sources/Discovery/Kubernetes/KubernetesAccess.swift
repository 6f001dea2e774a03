import Outbound
import Platform

/// The way to the API server of a cluster.
struct KubernetesAccess: Sendable, Equatable {
  /// Without a slash at the end.
  var server: String
  var client: ClientSettings
  /// The namespace of the service account, where a discovery asks for it.
  var ownNamespace: String?

  static let serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"
  /// A longer file is refused: a token, a namespace or a kubeconfig is text that somebody wrote.
  static let fileBytesMax = 1 << 20

  /// Discoveries with equal ones share what they read.
  func isSameCluster(_ other: KubernetesAccess) -> Bool { server == other.server && client == other.client }
}

extension KubernetesAccess {
  /// The access that the options ask for. `serviceAccount`: the directory of the files that a pod is given.
  init(
    _ options: KubernetesDiscoveryOptions, environment: [String: String],
    serviceAccount: String = KubernetesAccess.serviceAccount
  ) throws(DiscoveryError) {
    if !options.kubeconfigFile.isEmpty {
      self = try Kubeconfig.access(options.kubeconfigFile)
    } else if !options.apiServer.isEmpty {
      self.init(server: options.apiServer, client: options.client)
    } else {
      self = try Self.inCluster(environment, serviceAccount)
      if options.ownNamespace {
        let path = serviceAccount + "/namespace"
        do throws(DiscoveryError) {
          ownNamespace = try Self.text(path)
        } catch {
          throw DiscoveryError("could not determine the pod's namespace: \(error)")
        }
        if ownNamespace?.isEmpty != false { throw DiscoveryError("could not read own namespace name (empty file)") }
      }
    }
    while server.hasSuffix("/") { server.removeLast() }
  }

  /// As a pod reaches its own cluster. The client reads the token at each request: it is renewed every hour or so.
  private static func inCluster(
    _ environment: [String: String], _ directory: String
  ) throws(DiscoveryError) -> KubernetesAccess {
    guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
    else {
      throw DiscoveryError(
        "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined")
    }
    _ = try text(directory + "/token")
    var client = ClientSettings()
    client.credentials = .authorization(type: "Bearer", credentials: .file(directory + "/token"))
    // Without this file the system's certificates have to do.
    if (try? text(directory + "/ca.crt")) != nil { client.tls.authority = .file(directory + "/ca.crt") }
    return KubernetesAccess(server: "https://" + MetaLabelName.address(host, port: port), client: client)
  }

  static func bytes(_ path: String) throws(DiscoveryError) -> [UInt8] {
    do throws(DiskError) {
      let file = try LinuxDisk().open(path, .read)
      let bytes = try file.bytes(fileBytesMax + 1, at: 0)
      try file.close()
      if bytes.count <= fileBytesMax { return bytes }
    } catch {
      throw DiscoveryError("\(error)")
    }
    throw DiscoveryError("\(path): longer than \(fileBytesMax) bytes")
  }

  /// The text of a file without white space around it.
  private static func text(_ path: String) throws(DiscoveryError) -> String {
    let bytes = try bytes(path)
    let start = bytes.firstIndex { $0 > 0x20 } ?? bytes.endIndex
    let end = bytes.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? start
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }
}
