import Outbound
import TestKit
import Testing

@testable import Discovery

@Suite struct KubernetesAccessTests {
  private static let environment = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"]

  private static func folder(_ files: [String: String]) throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory("serviceaccount")
    for (name, text) in files { try folder.write(text, to: name) }
    return folder
  }

  @Test("in a cluster, the service account's files are the credentials")
  func inCluster() throws {
    let folder = try Self.folder(["token": "abc\n", "ca.crt": "PEM", "namespace": "web\n"])
    var options = KubernetesDiscoveryOptions()
    options.ownNamespace = true
    let access = try KubernetesAccess(options, environment: Self.environment, serviceAccount: folder.path)
    #expect(access.server == "https://10.96.0.1:443")
    #expect(access.client.credentials == .authorization(type: "Bearer", credentials: .file(folder.path("token"))))
    #expect(access.client.tls.authority == .file(folder.path("ca.crt")))
    #expect(access.ownNamespace == "web")
    #expect(options.parts(ownNamespace: access.ownNamespace).map(\.primary.path) == ["/api/v1/namespaces/web/pods"])
  }

  @Test("an IPv6 address of the API server has brackets")
  func inClusterIPv6() throws {
    let folder = try Self.folder(["token": "abc"])
    let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"]
    let access = try KubernetesAccess(.init(), environment: environment, serviceAccount: folder.path)
    #expect(access.server == "https://[fd00::1]:6443" && access.client.tls.authority == nil)
  }

  private static func fault(
    _ environment: [String: String], _ files: [String: String], ownNamespace: Bool = false
  ) throws -> String {
    let folder = try folder(files)
    var options = KubernetesDiscoveryOptions()
    options.ownNamespace = ownNamespace
    do throws(DiscoveryError) {
      _ = try KubernetesAccess(options, environment: environment, serviceAccount: folder.path)
      return ""
    } catch {
      return error.description.replacing(folder.path, with: "DIR")
    }
  }

  @Test("what is missing is named")
  func missing() throws {
    #expect(
      try Self.fault([:], ["token": "a"])
        == "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"
    )
    #expect(try Self.fault(Self.environment, [:]).contains("DIR/token"))
    #expect(
      try Self.fault(Self.environment, ["token": "a"], ownNamespace: true).hasPrefix(
        "could not determine the pod's namespace: "))
    #expect(
      try Self.fault(Self.environment, ["token": "a", "namespace": "\n"], ownNamespace: true)
        == "could not read own namespace name (empty file)")
  }

  private static func kubeconfig(_ user: String, _ cluster: String = "") -> String {
    """
    apiVersion: v1
    kind: Config
    current-context: two
    contexts:
    - {name: one, context: {cluster: x, user: y}}
    - {name: two, context: {cluster: c2, user: u2, namespace: n}}
    clusters:
    - name: c2
      cluster:
        server: https://k8s.example:6443/prefix/
        \(cluster)
    users:
    - name: u2
      user: \(user)
    """
  }

  private static func access(_ text: String) throws(DiscoveryError) -> KubernetesAccess {
    try Kubeconfig.access(Array(text.utf8), path: "/etc/k/config")
  }

  @Test("of a kubeconfig the current context counts; paths are relative to it")
  func kubeconfig() throws {
    let access = try Self.access(
      Self.kubeconfig(
        "{client-certificate: cert.pem, client-key-data: S0VZ, tokenFile: tok}",
        "certificate-authority-data: UEVN\n    tls-server-name: other\n    proxy-url: http://p:1"))
    #expect(access.server == "https://k8s.example:6443/prefix/")
    #expect(access.client.tls.authority == .text("PEM"))
    #expect(access.client.tls.certificate == .file("/etc/k/cert.pem"))
    #expect(access.client.tls.key == .text("KEY"))
    #expect(access.client.tls.serverName == "other" && !access.client.tls.isInsecure)
    #expect(access.client.proxy.url == "http://p:1")
    #expect(access.client.credentials == .authorization(type: "Bearer", credentials: .file("/etc/k/tok")))
  }

  @Test("a kubeconfig's user may have a token, a password, or nothing")
  func users() throws {
    #expect(
      try Self.access(Self.kubeconfig("{token: t}")).client.credentials
        == .authorization(type: "Bearer", credentials: .text("t")))
    #expect(
      try Self.access(Self.kubeconfig("{username: u, password: p}")).client.credentials
        == .basic(user: .text("u"), password: .text("p")))
    let bare = try Self.access(Self.kubeconfig("{}", "insecure-skip-tls-verify: true"))
    #expect(bare.client.credentials == .none && bare.client.tls.isInsecure)
  }

  @Test(
    "a kubeconfig that cannot be used is refused with the reason",
    arguments: [
      ("{exec: {command: aws}}", "", "(exec), which this server does not run"),
      ("{auth-provider: {name: gcp}}", "", "(auth-provider), which this server does not run"),
      ("{client-certificate: a}", "", "without its key"),
      ("{}", "certificate-authority-data: '*'", "certificate-authority-data is no text in Base64"),
      ("{}", "certificate-authority: a\n    insecure-skip-tls-verify: true", "exclude each other"),
    ])
  func refusals(user: String, cluster: String, reason: String) throws {
    do throws(DiscoveryError) {
      _ = try Self.access(Self.kubeconfig(user, cluster))
      Issue.record("taken: \(user) \(cluster)")
    } catch {
      #expect(error.description.contains(reason) && error.description.contains("/etc/k/config"))
    }
  }

  @Test("entries that a kubeconfig's context names and that are missing are named")
  func missingEntries() throws {
    for (text, reason) in [
      ("{}", "no current-context"), ("current-context: a", "contexts has no entry named \"a\""),
      (
        "current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\nclusters: [{name: b, cluster: {server: x}}]",
        "no server with http"
      ), ("[", "cannot be read"),
    ] {
      do throws(DiscoveryError) {
        _ = try Self.access(text)
        Issue.record("taken: \(text)")
      } catch {
        #expect(error.description.contains(reason), "\(error)")
      }
    }
  }
}
