import Model
import Testing

@testable import Discovery

@Suite struct KubernetesEndpointsGroupTests {
  private static let podLabels = [
    "pod_name": "testpod", "pod_ip": "1.2.3.4", "pod_ready": "true", "pod_phase": "Running",
    "pod_node_name": "testnode", "pod_host_ip": "2.3.4.5", "pod_uid": "abc123", "pod_label_test_label": "testvalue",
    "pod_labelpresent_test_label": "true", "pod_annotation_test_annotation": "testannotationvalue",
    "pod_annotationpresent_test_annotation": "true", "pod_controller_kind": "ReplicaSet",
    "pod_controller_name": "testrs",
  ]

  private static func merged(_ one: [String: String], _ two: [String: String]) -> [String: String] {
    one.merging(two) { $1 }
  }

  @Test("each address and port is a target, those that are not ready too")
  func endpoints() throws {
    var shelf = KubernetesShelf()
    shelf.add(.service, KubernetesShape.service)
    let group = try shelf.group(
      .endpoints,
      """
      {"metadata":{"name":"testendpoints","namespace":"default","annotations":{"test.annotation":"test"}},"subsets":[
       {"addresses":[{"ip":"1.2.3.4","hostname":"testendpoint1","nodeName":"foobar"}],
        "ports":[{"name":"testport","port":9000,"protocol":"TCP"}]},
       {"addresses":[{"ip":"2.3.4.5"}],"notReadyAddresses":[{"ip":"2.3.4.6"}],
        "ports":[{"name":"testport","port":9001,"protocol":"TCP"}]},
       {"addresses":[{"ip":"6.7.8.9","targetRef":{"kind":"Node","name":"barbaz"}}],
        "ports":[{"port":9002,"protocol":"TCP"}]}]}
      """)
    #expect(group.source == "endpoints/default/testendpoints")
    #expect(
      group.labels.short == [
        "namespace": "default", "endpoints_name": "testendpoints", "endpoints_annotation_test_annotation": "test",
        "endpoints_annotationpresent_test_annotation": "true", "service_name": "testendpoints",
        "service_label_app_name": "test", "service_labelpresent_app_name": "true",
      ])
    #expect(
      group.targets.map(\.short) == [
        [
          "__address__": "1.2.3.4:9000", "endpoint_hostname": "testendpoint1", "endpoint_node_name": "foobar",
          "endpoint_port_name": "testport", "endpoint_port_protocol": "TCP", "endpoint_ready": "true",
        ],
        [
          "__address__": "2.3.4.5:9001", "endpoint_port_name": "testport", "endpoint_port_protocol": "TCP",
          "endpoint_ready": "true",
        ],
        [
          "__address__": "2.3.4.6:9001", "endpoint_port_name": "testport", "endpoint_port_protocol": "TCP",
          "endpoint_ready": "false",
        ],
        [
          "__address__": "6.7.8.9:9002", "endpoint_port_protocol": "TCP", "endpoint_ready": "true",
          "endpoint_address_target_kind": "Node", "endpoint_address_target_name": "barbaz",
        ],
      ])
  }

  @Test("a pod behind an address gives its labels, and targets for its other ports")
  func pods() throws {
    var shelf = KubernetesShelf()
    shelf.add(.pod, KubernetesShape.pod)
    shelf.add(.node, KubernetesShape.node)
    let group = try shelf.group(
      .endpoints,
      """
      {"metadata":{"name":"testendpoints","namespace":"default"},"subsets":[
       {"addresses":[{"ip":"4.3.2.1","nodeName":"testnode",
         "targetRef":{"kind":"Pod","name":"testpod","namespace":"default"}}],
        "ports":[{"name":"testport","port":9000,"protocol":"TCP"}]}]}
      """
    ) { $0.node = true }
    try #require(group.targets.count == 2)
    let named = Self.merged(
      Self.podLabels,
      [
        "__address__": "4.3.2.1:9000", "endpoint_node_name": "testnode", "endpoint_port_name": "testport",
        "endpoint_port_protocol": "TCP", "endpoint_ready": "true", "endpoint_address_target_kind": "Pod",
        "endpoint_address_target_name": "testpod", "pod_container_name": "testcontainer0",
        "pod_container_image": "testcontainer0:latest", "pod_container_port_name": "testport0",
        "pod_container_port_number": "9000", "pod_container_port_protocol": "TCP", "pod_container_init": "false",
        "node_name": "testnode", "node_label_zone": "eu-1a", "node_labelpresent_zone": "true",
        "node_annotation_a_b": "c", "node_annotationpresent_a_b": "true",
      ])
    #expect(group.targets[0].short == named)
    let other = Self.merged(
      Self.podLabels,
      [
        "__address__": "1.2.3.4:9001", "pod_container_name": "testcontainer0",
        "pod_container_image": "testcontainer0:latest", "pod_container_port_name": "testport1",
        "pod_container_port_number": "9001", "pod_container_port_protocol": "UDP", "pod_container_init": "false",
      ])
    #expect(group.targets[1].short == other)
  }

  private static func slice(_ type: String = "IPv4", _ address: String = "1.2.3.4") -> String {
    """
    {"metadata":{"name":"testslice","namespace":"default","labels":{"kubernetes.io/service-name":"testendpoints"}},
     "addressType":"\(type)","ports":[{"name":"testport","port":9000,"protocol":"TCP","appProtocol":"http"}],
     "endpoints":[
      {"addresses":["\(address)"],"hostname":"h1","nodeName":"foobar","zone":"us-east-1a",
       "conditions":{"ready":true,"serving":true,"terminating":false},
       "targetRef":{"kind":"Pod","namespace":"default","name":"testpod"},
       "deprecatedTopology":{"topology.io/zone":"z"}},
      {"addresses":["2.3.4.5"],"conditions":{"ready":false}}]}
    """
  }

  @Test("an endpoint slice is a target for each address and port, with the service's labels")
  func slice() throws {
    var shelf = KubernetesShelf()
    shelf.add(.service, KubernetesShape.service)
    let group = try shelf.group(.endpointslice, Self.slice())
    #expect(group.source == "endpointslice/default/testslice")
    #expect(
      group.labels.short == [
        "namespace": "default", "endpointslice_name": "testslice", "endpointslice_address_type": "IPv4",
        "endpointslice_label_kubernetes_io_service_name": "testendpoints",
        "endpointslice_labelpresent_kubernetes_io_service_name": "true", "service_name": "testendpoints",
        "service_label_app_name": "test", "service_labelpresent_app_name": "true",
      ])
    #expect(
      group.targets.map(\.short) == [
        [
          "__address__": "1.2.3.4:9000", "endpointslice_port": "9000", "endpointslice_port_name": "testport",
          "endpointslice_port_protocol": "TCP", "endpointslice_port_app_protocol": "http",
          "endpointslice_endpoint_hostname": "h1", "endpointslice_endpoint_node_name": "foobar",
          "endpointslice_endpoint_zone": "us-east-1a", "endpointslice_endpoint_conditions_ready": "true",
          "endpointslice_endpoint_conditions_serving": "true",
          "endpointslice_endpoint_conditions_terminating": "false", "endpointslice_address_target_kind": "Pod",
          "endpointslice_address_target_name": "testpod", "endpointslice_endpoint_topology_topology_io_zone": "z",
          "endpointslice_endpoint_topology_present_topology_io_zone": "true",
        ],
        [
          "__address__": "2.3.4.5:9000", "endpointslice_port": "9000", "endpointslice_port_name": "testport",
          "endpointslice_port_protocol": "TCP", "endpointslice_port_app_protocol": "http",
          "endpointslice_endpoint_conditions_ready": "false",
        ],
      ])
  }

  @Test("a slice's pod has the container's protocol, and its other ports are targets")
  func slicePods() throws {
    var shelf = KubernetesShelf()
    shelf.add(.pod, KubernetesShape.pod)
    let group = try shelf.group(.endpointslice, Self.slice())
    #expect(group.targets.map { $0["__address__"] } == ["1.2.3.4:9000", "2.3.4.5:9000", "1.2.3.4:9001"])
    #expect(group.targets[0].short["pod_container_port_protocol"] == "TCP")
    #expect(group.targets[0].short["pod_container_port_name"] == "testport0")
    #expect(group.targets[2].short["endpointslice_port"] == nil)
    #expect(group.targets[2].short["pod_uid"] == "abc123")
  }

  @Test("of a dual-stack service, the slice of the second family has no targets")
  func dualStack() throws {
    var shelf = KubernetesShelf()
    shelf.add(
      .service,
      """
      {"metadata":{"name":"testendpoints","namespace":"default"},
       "spec":{"ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv4","IPv6"]}}
      """)
    #expect(try shelf.group(.endpointslice, Self.slice("IPv6", "fd00::1")).targets.isEmpty)
    #expect(try shelf.group(.endpointslice, Self.slice()).targets.count == 2)
    shelf.objects = [:]
    let lone = try shelf.group(.endpointslice, Self.slice("IPv6", "fd00::1"))
    #expect(lone.targets.first?["__address__"] == "[fd00::1]:9000")
  }

  @Test("a slice without ports' numbers has bare addresses")
  func noPort() throws {
    let group = try KubernetesShelf().group(
      .endpointslice,
      """
      {"metadata":{"name":"s","namespace":"n"},"addressType":"IPv4","ports":[{"name":"p"}],
       "endpoints":[{"addresses":["1.1.1.1"]}]}
      """)
    #expect(group.targets.map(\.short) == [["__address__": "1.1.1.1", "endpointslice_port_name": "p"]])
  }
}
