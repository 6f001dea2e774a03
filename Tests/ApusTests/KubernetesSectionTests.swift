import Discovery
import Format
import Outbound
import Testing

@testable import apus

@Suite("Kubernetes and Consul in the configuration")
struct KubernetesSectionTests {
  private static let section = Section("job", [DiscoveryOptions](), DiscoveryOptions.settings)

  private func read(_ text: String) throws -> (discoveries: [DiscoveryOptions], faults: [String]) {
    var reader = SchemaReader()
    let value = reader.section(try YAMLDocument.parse(text).root, Self.section.schema)
    var discoveries: [DiscoveryOptions] = []
    var faults: [ConfigurationFault] = reader.faults
    if faults.isEmpty { Self.section.fill(&discoveries, from: value, &faults) }
    return (discoveries, faults.map(\.message))
  }

  @Test("every key of kubernetes_sd_configs is read")
  func kubernetes() throws {
    let found = try read(
      """
      kubernetes_sd_configs:
      - role: endpointslice
        api_server: https://k8s.example:6443
        bearer_token_file: /token
        tls_config: {ca_file: /ca.crt}
        namespaces: {names: [a, b]}
        selectors: [{role: pod, label: 'app in (x)'}, {role: service, field: metadata.name=s}]
        attach_metadata: {node: true, cronjob: true}
      - role: node
      - {role: pod, namespaces: {own_namespace: true}}
      - {role: ingress, kubeconfig_file: /etc/kubeconfig}
      """)
    #expect(found.faults.isEmpty)
    var first = KubernetesDiscoveryOptions()
    first.role = .endpointslice
    first.apiServer = "https://k8s.example:6443"
    first.client.credentials = .authorization(type: "Bearer", credentials: .file("/token"))
    first.client.tls.authority = .file("/ca.crt")
    first.namespaces = ["a", "b"]
    first.selectors = [.init(), .init()]
    first.selectors[0].role = "pod"
    first.selectors[0].label = "app in (x)"
    first.selectors[1].role = "service"
    first.selectors[1].field = "metadata.name=s"
    first.attached.node = true
    first.attached.cronjob = true
    var node = KubernetesDiscoveryOptions()
    node.role = .node
    var own = KubernetesDiscoveryOptions()
    own.ownNamespace = true
    var file = KubernetesDiscoveryOptions()
    file.role = .ingress
    file.kubeconfigFile = "/etc/kubeconfig"
    #expect(found.discoveries == [first, node, own, file].map { .kubernetes($0) })
  }

  @Test(
    "what Prometheus refuses is refused with its text",
    arguments: [
      ("{}", "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)"),
      ("{role: x}", "unknown Kubernetes SD role \"x\""),
      (
        "{role: pod, api_server: 'http://a', kubeconfig_file: b}",
        "cannot use 'kubeconfig_file' and 'api_server' simultaneously"
      ),
      (
        "{role: pod, kubeconfig_file: b, bearer_token: c}",
        "cannot use a custom HTTP client configuration together with 'kubeconfig_file'"
      ),
      (
        "{role: pod, follow_redirects: false}",
        "to use custom HTTP client configuration please provide the 'api_server' URL explicitly"
      ),
      (
        "{role: pod, api_server: 'http://a', namespaces: {own_namespace: true}}",
        "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously"
      ),
      (
        "{role: pod, kubeconfig_file: a, namespaces: {own_namespace: true}}",
        "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously"
      ),
      ("{role: pod, selectors: [{role: pod}, {role: pod}]}", "duplicated selector role: pod"),
      ("{role: pod, selectors: [{role: service}]}", "pod role supports only pod, node selectors"),
      (
        "{role: endpoints, selectors: [{role: endpointslice}]}",
        "endpoints role supports only pod, service, endpoints selectors"
      ),
      ("{role: pod, selectors: [{role: y}]}", "unknown Kubernetes SD role \"y\""),
      ("{role: pod, selectors: [{role: pod, field: x}]}", "invalid selector: 'x'; can't understand 'x'"),
    ])
  func refusals(entry: String, text: String) throws {
    #expect(try read("kubernetes_sd_configs: [\(entry)]").faults == ["kubernetes: \(text)"])
  }

  @Test("settings of HTTP at their defaults need no api_server")
  func defaults() throws {
    #expect(
      try read("kubernetes_sd_configs: [{role: pod, follow_redirects: true, enable_http2: true}]").faults.isEmpty)
  }

  @Test("every key of consul_sd_configs is read, with Prometheus's defaults")
  func consul() throws {
    let found = try read(
      """
      consul_sd_configs:
      - {}
      - server: c:8501
        scheme: https
        path_prefix: /p
        token: t
        datacenter: dc
        namespace: n
        partition: p
        tag_separator: ';'
        allow_stale: false
        refresh_interval: 1m
        services: [a]
        tags: [b]
        node_meta: {rack: r1}
        filter: f
        health_filter: h
      """)
    #expect(found.faults.isEmpty)
    var second = ConsulDiscoveryOptions()
    second.server = "c:8501"
    second.scheme = "https"
    second.pathPrefix = "/p"
    second.token = "t"
    second.datacenter = "dc"
    second.namespace = "n"
    second.partition = "p"
    second.tagSeparator = ";"
    second.allowsStale = false
    second.refreshMilliseconds = 60_000
    second.services = ["a"]
    second.tags = ["b"]
    second.nodeMetadata = ["rack": "r1"]
    second.filter = "f"
    second.healthFilter = "h"
    #expect(found.discoveries == [.consul(ConsulDiscoveryOptions()), .consul(second)])
  }

  @Test(
    "of credentials for Consul only one kind may be given",
    arguments: [
      (
        "{username: a, basic_auth: {username: b}}",
        "at most one of consul SD configuration username and password and basic auth can be configured"
      ),
      (
        "{token: a, authorization: {credentials: b}}",
        "at most one of consul SD token, authorization, or oauth2 can be configured"
      ), ("{server: ' '}", "consul SD configuration requires a server address"),
    ])
  func consulRefusals(entry: String, text: String) throws {
    #expect(try read("consul_sd_configs: [\(entry)]").faults == ["consul: \(text)"])
  }
}
