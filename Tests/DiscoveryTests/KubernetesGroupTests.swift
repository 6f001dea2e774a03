import Model
import Testing

@testable import Discovery

/// Service, ingress and node.
@Suite struct KubernetesGroupTests {
  @Test("a node is one target at its best address and the kubelet's port")
  func node() throws {
    let group = try KubernetesShelf().group(.node, KubernetesShape.node)
    #expect(group.source == "node/testnode")
    #expect(
      group.labels.short == [
        "node_name": "testnode", "node_provider_id": "aws:///nl-north-7b/i-03149834983492827",
        "node_label_zone": "eu-1a", "node_labelpresent_zone": "true", "node_annotation_a_b": "c",
        "node_annotationpresent_a_b": "true", "node_condition_ready": "true", "node_condition_diskpressure": "false",
      ])
    #expect(
      group.targets.map(\.short) == [
        [
          "__address__": "1.2.3.4:10250", "instance": "testnode", "node_address_InternalIP": "1.2.3.4",
          "node_address_Hostname": "host.internal",
        ]
      ])
  }

  @Test(
    "a node's address is the first kind that it has",
    arguments: ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"])
  func nodeAddress(type: String) throws {
    let all = ["Hostname", "LegacyHostIP", "ExternalDNS", "ExternalIP", "InternalDNS", "InternalIP"]
    let place = try #require(all.firstIndex(of: type))
    let addresses = all[...place].map { #"{"type":"\#($0)","address":"\#($0.lowercased())"}"# }.joined(separator: ",")
    let group = try KubernetesShelf().group(
      .node,
      """
      {"metadata":{"name":"n"},"status":{"addresses":[\(addresses)],
       "daemonEndpoints":{"kubeletEndpoint":{"Port":1}}}}
      """)
    #expect(group.targets.map { $0["__address__"] } == [type.lowercased() + ":1"])
  }

  @Test("a node without an address has no group")
  func nodeWithoutAddress() throws {
    let object = try #require(KubernetesObject(Array(#"{"metadata":{"name":"n"}}"#.utf8), .node))
    #expect(KubernetesGroup(role: .node, attached: .init(), others: KubernetesShelf()).group(object) == nil)
  }

  @Test("a service is a target for each port, under its name in the cluster")
  func service() throws {
    let group = try KubernetesShelf().group(.service, KubernetesShape.service)
    #expect(group.source == "svc/default/testendpoints")
    #expect(
      group.labels.short == [
        "namespace": "default", "service_name": "testendpoints", "service_label_app_name": "test",
        "service_labelpresent_app_name": "true",
      ])
    #expect(
      group.targets.map(\.short) == [
        [
          "__address__": "testendpoints.default.svc:30900", "service_port_name": "main", "service_port_number": "30900",
          "service_port_protocol": "TCP", "service_type": "ClusterIP", "service_cluster_ip": "10.0.0.1",
        ]
      ])
  }

  @Test("external names and load balancers have labels of their own")
  func serviceTypes() throws {
    func target(_ spec: String, _ status: String = "{}") throws -> [String: String] {
      try #require(
        KubernetesShelf().group(
          .service,
          """
          {"metadata":{"name":"s","namespace":"n"},"spec":{\(spec),"ports":[{"port":1,"protocol":"TCP"}]},
           "status":\(status)}
          """
        ).targets.first
      ).short
    }
    let external = try target(#""type":"ExternalName","externalName":"a.example""#)
    #expect(external["service_external_name"] == "a.example" && external["service_cluster_ip"] == nil)
    let ingress = #"{"loadBalancer":{"ingress":[{"ip":"1.1.1.1"},{"hostname":"x"},{"ip":"2.2.2.2"}]}}"#
    let balancer = #""type":"LoadBalancer","clusterIP":"10.0.0.2","loadBalancerIP":"3.3.3.3""#
    #expect(try target(balancer, ingress)["service_loadbalancer_ip"] == "1.1.1.1,2.2.2.2")
    #expect(try target(balancer)["service_loadbalancer_ip"] == "3.3.3.3")
    #expect(try target(balancer)["service_cluster_ip"] == "10.0.0.2")
  }

  private static func ingress(_ hosts: String) -> String {
    """
    {"metadata":{"name":"testingress","namespace":"default","labels":{"test/label":"v"}},
     "spec":{"ingressClassName":"testclass","tls":[{"hosts":[\(hosts)]}],"rules":[
      {"host":"example.com","http":{"paths":[{"path":"/"},{"path":"/foo"}]}},
      {"host":"nobackend.example.com","http":{"paths":[]}},
      {"host":"test.example.com","http":{"paths":[{}]}},
      {"host":"bare.example.com"}]}}
    """
  }

  @Test("an ingress is a target for each host and path")
  func ingress() throws {
    let group = try KubernetesShelf().group(.ingress, Self.ingress(#""example.com""#))
    #expect(group.source == "ingress/default/testingress")
    #expect(
      group.labels.short == [
        "namespace": "default", "ingress_name": "testingress", "ingress_class_name": "testclass",
        "ingress_label_test_label": "v", "ingress_labelpresent_test_label": "true",
      ])
    #expect(
      group.targets.map(\.short) == [
        ["__address__": "example.com", "ingress_scheme": "https", "ingress_host": "example.com", "ingress_path": "/"],
        [
          "__address__": "example.com", "ingress_scheme": "https", "ingress_host": "example.com",
          "ingress_path": "/foo",
        ],
        [
          "__address__": "test.example.com", "ingress_scheme": "http", "ingress_host": "test.example.com",
          "ingress_path": "/",
        ],
        [
          "__address__": "bare.example.com", "ingress_scheme": "http", "ingress_host": "bare.example.com",
          "ingress_path": "/",
        ],
      ])
  }

  @Test("a wildcard of TLS stands for one part of a host")
  func wildcards() throws {
    let group = try KubernetesShelf().group(.ingress, Self.ingress(#""*.example.com""#))
    #expect(group.targets.map { $0.short["ingress_scheme"] } == ["http", "http", "https", "https"])
    #expect(KubernetesGroup.isMatch("*.a", "b.a") && !KubernetesGroup.isMatch("*.a", "c.b.a"))
    #expect(!KubernetesGroup.isMatch("*.a", "a") && !KubernetesGroup.isMatch("x.a", "y.a"))
  }

  @Test("every character of a key that no label may have becomes an underscore")
  func names() {
    #expect(MetaLabelName.sanitized("app.kubernetes.io/name-x_9") == "app_kubernetes_io_name_x_9")
    #expect(MetaLabelName.sanitized("größe") == "gr__e")
  }
}
