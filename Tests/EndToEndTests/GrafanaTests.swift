import Format
import TestKit
import Testing

extension EndToEnd.Beside {
  /// Series like those of a node exporter, of ECS tasks and of a Kubernetes cluster.
  static func dashboardBody(_ start: Int64) -> RemoteWriteBody {
    var body = RemoteWriteBody()
    func add(_ name: String, _ labels: RemoteWriteBody.Labels = [:], _ value: (Double) -> Double) {
      body.add(name, labels, (0..<40).map { ((start + Int64($0) * 15) * 1000, value(Double($0))) })
    }
    for (place, node) in ["one", "two"].enumerated() {
      let shift = Double(place + 1)
      let instance = "\(node):9100"
      add("node_uname_info", ["instance": instance, "job": "node", "nodename": node, "release": "6.1"]) { _ in 1 }
      add("up", ["instance": instance, "job": "node"]) { _ in 1 }
      for cpu in 0..<2 {
        for (index, mode) in ["idle", "system", "user", "iowait", "irq", "softirq"].enumerated() {
          add("node_cpu_seconds_total", ["cpu": "\(cpu)", "instance": instance, "job": "node", "mode": mode]) {
            1000 * shift + $0 * (mode == "idle" ? 12.25 : 0.3 * Double(index + cpu))
          }
        }
      }
      for (name, bytes) in [
        ("MemTotal", 8.25e9), ("MemFree", 1.5e9), ("MemAvailable", 4.75e9), ("Cached", 2e9), ("Buffers", 3e8),
        ("SwapTotal", 1e9), ("SwapFree", 0.9e9),
      ] { add("node_memory_\(name)_bytes", ["instance": instance, "job": "node"]) { bytes * shift - $0 * 4096 } }
      for (name, value) in [("load1", 0.7), ("load5", 0.5), ("load15", 0.4)] {
        add("node_\(name)", ["instance": instance, "job": "node"]) {
          value * shift + ($0.remainder(dividingBy: 7)) / 10
        }
      }
      add("node_boot_time_seconds", ["instance": instance, "job": "node"]) { _ in Double(start - 86_400) }
      add("node_time_seconds", ["instance": instance, "job": "node"]) { Double(start) + $0 * 15 }
      for device in ["/dev/sda1", "rootfs"] {
        let labels: RemoteWriteBody.Labels = [
          "device": device, "fstype": device == "rootfs" ? "rootfs" : "ext4", "instance": instance, "job": "node",
          "mountpoint": "/",
        ]
        add("node_filesystem_size_bytes", labels) { _ in 1e11 }
        add("node_filesystem_avail_bytes", labels) { 4e10 * shift - $0 * 1e6 }
      }
      for device in ["sda", "dm-0"] {
        let labels: RemoteWriteBody.Labels = ["device": device, "instance": instance, "job": "node"]
        add("node_disk_read_bytes_total", labels) { $0 * 65_536 * shift }
        add("node_disk_read_time_seconds_total", labels) { $0 * 0.011 }
        add("node_disk_reads_completed_total", labels) { $0 * 16 }
      }
      for device in ["eth0", "lo"] {
        let labels: RemoteWriteBody.Labels = ["device": device, "instance": instance, "job": "node"]
        add("node_network_receive_bytes_total", labels) { $0 * 1500.5 * shift }
        add("node_network_transmit_bytes_total", labels) { $0 * (device == "lo" ? 0 : 900) }
      }
      add("node_systemd_units", ["instance": instance, "job": "node", "state": "failed"]) { _ in shift - 1 }
    }
    for task in 0..<3 {
      let labels: RemoteWriteBody.Labels = ["aws_ecs_task_family": "f\(task % 2)", "aws_ecs_task_id": "t\(task)"]
      for (index, name) in [
        "cpu_reserved", "cpu_utilized", "cpu_usage_vcpu", "memory_usage", "memory_utilized", "memory_reserved",
        "network_rate_rx", "network_rate_tx",
      ].enumerated() { add("ecs_task_\(name)", labels) { Double(index + 1) * 100.1 + $0 * Double(task) } }
    }
    for pod in 0..<4 {
      let namespace = pod == 3 ? "kube-system" : "default"
      let name = "app-\(pod)"
      let labels: RemoteWriteBody.Labels = ["cluster": "c", "namespace": namespace, "node": "one", "pod": name]
      add("kube_pod_info", labels) { _ in 1 }
      for phase in ["Running", "Failed"] {
        add("kube_pod_status_phase", ["namespace": namespace, "phase": phase, "pod": name]) { _ in
          phase == "Running" ? 1 : 0
        }
      }
      for image in ["", "app:1"] {
        let container: RemoteWriteBody.Labels =
          image.isEmpty
          ? ["namespace": namespace, "pod": name] : ["image": image, "namespace": namespace, "pod": name]
        add("container_cpu_usage_seconds_total", container) { $0 * 0.21 * Double(pod + 1) }
        add("container_memory_working_set_bytes", container) { 1e8 * Double(pod + 1) + $0 }
      }
    }
    add("kube_node_info", ["cluster": "c", "node": "one"]) { _ in 1 }
    for verb in ["GET", "LIST"] {
      for (index, bound) in ["0.05", "0.1", "0.5", "1", "+Inf"].enumerated() {
        add("apiserver_request_duration_seconds_bucket", ["le": bound, "verb": verb]) {
          $0 * Double(index * index + 1) * (verb == "GET" ? 3 : 1)
        }
      }
    }
    add("dotted", ["service.name": "checkout"]) { $0 }
    return body
  }

  @Test("Grafana's whole conversation has Prometheus's answers")
  func grafana() throws {
    let pair = try Pair(body: Self.dashboardBody)
    let table = try RequestTable(try text(ofFile: "Requests/grafana.txt"), start: pair.start, end: pair.end)
    var different: [String] = []
    var empty: [String] = []
    for line in table.lines {
      let peer = try table.exchange(line, with: pair.prometheus)
      let own = try table.exchange(line, with: pair.apus)
      if let difference = RequestTable.difference(line, peer, own) { different.append("\(line)\n  \(difference)") }
      if own.text.contains("\"result\":[]") { empty.append("\(line)") }
    }
    #expect(different.isEmpty, "\(different.count) of \(table.lines.count):\n\(different.joined(separator: "\n"))")
    // Equal emptiness would prove nothing.
    #expect(empty.count <= 2, "\(empty)")
  }

  @Test("a method that Grafana tries first is refused so that it tries the other one")
  func fallsBack() throws {
    let pair = try Pair(body: Self.dashboardBody)
    #expect(try pair.apus.request("POST", "/api/v1/label/job/values").status == 405)
    #expect(try pair.apus.request("POST", "/api/v1/metadata").status == 405)
  }

  @Test("an answer of some size is compressed for who takes it, and reads the same")
  func compressed() throws {
    let pair = try Pair(body: Self.dashboardBody)
    let target = "/api/v1/series?match[]=%7B__name__%3D~%22.%2B%22%7D"
    let plain = try pair.apus.get(target)
    for encoding in ["gzip", "deflate, gzip;q=0.5"] {
      let answer = try pair.apus.request("GET", target, headers: [("Accept-Encoding", encoding)])
      #expect(answer.header("Content-Encoding") == "gzip" && answer.body.count < plain.body.count / 4)
    }
    for encoding in ["zstd", "gzip, deflate, br, zstd"] {
      let answer = try pair.apus.request("GET", target, headers: [("Accept-Encoding", encoding)])
      #expect(answer.header("Content-Encoding") == "zstd" && answer.body.count < plain.body.count / 4)
      var decoder = ZstdDecoder()
      var decoded = ByteBuffer()
      try answer.body.withUnsafeBytes { try decoder.decode($0, into: &decoded, decodedBytesMax: 10 << 20) }
      #expect(decoded.bytes.elementsEqual(plain.body))
    }
    // An answer that is made whole, too.
    let whole = try pair.apus.request("GET", "/metrics", headers: [("Accept-Encoding", "zstd")])
    var decoder = ZstdDecoder()
    var decoded = ByteBuffer()
    try whole.body.withUnsafeBytes { try decoder.decode($0, into: &decoded, decodedBytesMax: 10 << 20) }
    #expect(String(decoding: decoded.bytes, as: UTF8.self).contains("prometheus_tsdb_head_series "))
    let head = try pair.apus.request("HEAD", target)
    #expect(head.status == 200 && head.body.isEmpty && head.header("Content-Type") == "application/json")
  }
}
