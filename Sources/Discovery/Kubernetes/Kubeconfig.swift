import Format
import Outbound

/// Reads a kubeconfig: the cluster and the user of its current context.
enum Kubeconfig {
  static func access(_ path: String) throws(DiscoveryError) -> KubernetesAccess {
    try access(try KubernetesAccess.bytes(path), path: path)
  }

  static func access(_ bytes: [UInt8], path: String) throws(DiscoveryError) -> KubernetesAccess {
    let document: YAMLDocument
    do throws(YAMLError) { document = try YAMLDocument.parse(bytes) } catch {
      throw DiscoveryError("the kubeconfig \(path) cannot be read: \(error)")
    }
    let reader = Reader(root: document.root, path: path)
    let name = reader.text(document.root, "current-context")
    if name.isEmpty { throw reader.error("it has no current-context") }
    let context = try reader.entry("contexts", name, "context")
    let cluster = try reader.entry("clusters", reader.text(context, "cluster"), "cluster")
    let server = reader.text(cluster, "server")
    guard server.hasPrefix("https://") || server.hasPrefix("http://") else {
      throw reader.error("the cluster of context \(name) has no server with http:// or https://")
    }
    var access = KubernetesAccess(server: server, client: ClientSettings())
    access.client.tls = try reader.tls(of: cluster)
    access.client.proxy.url = reader.text(cluster, "proxy-url")
    let user = reader.text(context, "user")
    if !user.isEmpty { try reader.add(user: try reader.entry("users", user, "user"), user, to: &access.client) }
    return access
  }

  private struct Reader {
    let root: YAMLNode
    let path: String

    func error(_ what: String) -> DiscoveryError { DiscoveryError("the kubeconfig \(path) cannot be used: \(what)") }

    func text(_ node: YAMLNode, _ key: String) -> String {
      node[key]?.scalar.flatMap { $0.isNull ? nil : $0.text } ?? ""
    }

    /// The entry of this name in one of the lists.
    func entry(_ list: String, _ name: String, _ key: String) throws(DiscoveryError) -> YAMLNode {
      if case .sequence(let entries)? = root[list]?.content,
        let found = entries.first(where: { text($0, "name") == name })?[key]
      {
        return found
      }
      throw error("\(list) has no entry named \"\(name)\"")
    }

    /// A file that stands in the kubeconfig, or whose path does; the text has precedence.
    private func secret(_ node: YAMLNode, _ key: String) throws(DiscoveryError) -> Secret? {
      let data = text(node, key + "-data")
      if !data.isEmpty {
        guard let bytes = Base64.decode(data.filter { !$0.isWhitespace }),
          let decoded = String(validating: bytes, as: UTF8.self)
        else { throw error("\(key)-data is no text in Base64") }
        return .text(decoded)
      }
      let file = text(node, key)
      return file.isEmpty ? nil : .file(absolute(file))
    }

    /// Paths are relative to the kubeconfig.
    private func absolute(_ file: String) -> String {
      guard !file.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return file }
      return path[...slash] + file
    }

    func tls(of cluster: YAMLNode) throws(DiscoveryError) -> TLSSettings {
      var tls = TLSSettings()
      tls.authority = try secret(cluster, "certificate-authority")
      tls.isInsecure = cluster["insecure-skip-tls-verify"]?.scalar?.boolean ?? false
      tls.serverName = text(cluster, "tls-server-name")
      if tls.isInsecure && tls.authority != nil {
        throw error("insecure-skip-tls-verify and certificate-authority exclude each other")
      }
      return tls
    }

    func add(user: YAMLNode, _ name: String, to client: inout ClientSettings) throws(DiscoveryError) {
      for key in ["exec", "auth-provider"] where user[key].map({ !$0.isNull }) == true {
        throw error(
          "user \"\(name)\" gets its credentials from a program (\(key)), which this server does not run; give it a token, "
            + "a tokenFile or a client certificate")
      }
      client.tls.certificate = try secret(user, "client-certificate")
      client.tls.key = try secret(user, "client-key")
      if (client.tls.certificate == nil) != (client.tls.key == nil) {
        throw error("user \"\(name)\" has a client certificate without its key, or a key without its certificate")
      }
      let tokenFile = text(user, "tokenFile")
      let token = text(user, "token")
      if !tokenFile.isEmpty {
        client.credentials = .authorization(type: "Bearer", credentials: .file(absolute(tokenFile)))
      } else if !token.isEmpty {
        client.credentials = .authorization(type: "Bearer", credentials: .text(token))
      } else if !text(user, "username").isEmpty {
        client.credentials = .basic(
          user: .text(text(user, "username")), password: .text(text(user, "password")))
      }
    }
  }
}
