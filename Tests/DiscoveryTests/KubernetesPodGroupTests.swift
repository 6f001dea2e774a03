import Model
import Testing

@testable import Discovery

@Suite struct KubernetesPodGroupTests {
  @Test("a pod is a target for each port of its containers, init containers and UDP ports too")
  func pod() throws {
    let group = try KubernetesShelf().group(.pod, KubernetesShape.pod)
    #expect(group.source == "pod/default/testpod")
    #expect(
      group.labels.short == [
        "pod_ip": "1.2.3.4", "pod_ready": "true", "pod_phase": "Running", "pod_node_name": "testnode",
        "pod_host_ip": "2.3.4.5", "pod_uid": "abc123", "pod_name": "testpod", "namespace": "default",
        "pod_label_test_label": "testvalue", "pod_labelpresent_test_label": "true",
        "pod_annotation_test_annotation": "testannotationvalue", "pod_annotationpresent_test_annotation": "true",
        "pod_controller_kind": "ReplicaSet", "pod_controller_name": "testrs",
      ])
    #expect(
      group.targets.map(\.short) == [
        [
          "__address__": "1.2.3.4:9000", "pod_container_name": "testcontainer0",
          "pod_container_id": "docker://a1b2c3d4e5f6", "pod_container_image": "testcontainer0:latest",
          "pod_container_port_name": "testport0", "pod_container_port_number": "9000",
          "pod_container_port_protocol": "TCP", "pod_container_init": "false",
        ],
        [
          "__address__": "1.2.3.4:9001", "pod_container_name": "testcontainer0",
          "pod_container_id": "docker://a1b2c3d4e5f6", "pod_container_image": "testcontainer0:latest",
          "pod_container_port_name": "testport1", "pod_container_port_number": "9001",
          "pod_container_port_protocol": "UDP", "pod_container_init": "false",
        ],
        [
          "__address__": "1.2.3.4", "pod_container_name": "testcontainer1",
          "pod_container_id": "containerd://6f5e4d3c2b1a", "pod_container_image": "testcontainer1:latest",
          "pod_container_init": "false",
        ],
        [
          "__address__": "1.2.3.4", "pod_container_name": "initcontainer",
          "pod_container_id": "containerd://abcdef123456", "pod_container_image": "initcontainer:latest",
          "pod_container_init": "true",
        ],
      ])
  }

  @Test("a pod without an address has no targets; of IPv6 the address has brackets")
  func addresses() throws {
    #expect(try KubernetesShelf().group(.pod, KubernetesShape.pod("a", ip: "")).targets.isEmpty)
    let group = try KubernetesShelf().group(.pod, KubernetesShape.pod("a", ip: "fd00::5"))
    #expect(group.targets.map { $0["__address__"] } == ["[fd00::5]:80"])
  }

  @Test("a pod without the condition Ready is of unknown readiness")
  func readiness() throws {
    #expect(try KubernetesShelf().group(.pod, KubernetesShape.pod("a")).labels.short["pod_ready"] == "unknown")
  }

  @Test("attached metadata come from the pod's node, namespace and owners")
  func attached() throws {
    var shelf = KubernetesShelf()
    shelf.add(.node, KubernetesShape.node)
    shelf.add(.namespace, KubernetesShape.namespace)
    shelf.add(
      .replicaset,
      """
      {"metadata":{"name":"testrs","namespace":"default",
       "ownerReferences":[{"kind":"Deployment","name":"testdeploy","controller":true}]}}
      """)
    let labels = try shelf.group(.pod, KubernetesShape.pod) {
      $0.node = true
      $0.namespace = true
      $0.deployment = true
    }.labels.short
    #expect(labels["node_name"] == "testnode")
    #expect(labels["node_label_zone"] == "eu-1a" && labels["node_labelpresent_zone"] == "true")
    #expect(labels["node_annotation_a_b"] == "c")
    #expect(labels["node_provider_id"] == nil)
    #expect(labels["namespace_label_team"] == "web" && labels["namespace_annotationpresent_owner"] == "true")
    #expect(labels["namespace_name"] == nil)
    #expect(labels["pod_deployment_name"] == "testdeploy")
    #expect(try shelf.group(.pod, KubernetesShape.pod).labels.short["pod_deployment_name"] == nil)
  }

  @Test("with attached nodes, pods on unknown nodes have no targets")
  func unknownNode() throws {
    #expect(try KubernetesShelf().group(.pod, KubernetesShape.pod) { $0.node = true }.targets.isEmpty)
  }

  @Test("a job's pod has the job's name, and that of the cron job behind it")
  func jobs() throws {
    var shelf = KubernetesShelf()
    shelf.add(
      .job,
      """
      {"metadata":{"name":"nightly-1","namespace":"default",
       "ownerReferences":[{"kind":"CronJob","name":"nightly","controller":true}]}}
      """)
    let pod = KubernetesShape.pod.replacing("ReplicaSet", with: "Job").replacing("testrs", with: "nightly-1")
    let both = try shelf.group(.pod, pod) {
      $0.job = true
      $0.cronjob = true
    }.labels.short
    #expect(both["pod_job_name"] == "nightly-1" && both["pod_cronjob_name"] == "nightly")
    let one = try shelf.group(.pod, pod) { $0.cronjob = true }.labels.short
    #expect(one["pod_job_name"] == nil && one["pod_cronjob_name"] == "nightly")
  }
}
