import Model

/// Everything that the targets of a cluster are made of. A value.
struct ECSClusterState: Sendable {
  let cluster: ECSCluster
  /// By their names.
  var services: [String: ECSServiceState] = [:]
  /// EC2 instances of container instances, by the ARN of these.
  var instanceIDs: [String: String] = [:]
  var instances: [String: EC2Instance] = [:]
  /// Public addresses of network interfaces, by their ids.
  var publicAddresses: [String: String] = [:]

  init(_ cluster: ECSCluster) { self.cluster = cluster }
}

extension ECSTask {
  private static let prefix = "__meta_ecs_"

  /// The address of the task and where it is from.
  private struct Place {
    var address: String?
    var publicIP: String?
    var subnetID: String?
    var networkMode = ""
    var instanceID: String?
    var instance: EC2Instance?
  }

  private func place(_ state: ECSClusterState) -> Place {
    var place = Place()
    if let containerInstanceARN {
      place.instanceID = state.instanceIDs[containerInstanceARN]
      // One without an address is as good as none.
      place.instance = place.instanceID.flatMap { state.instances[$0] }.flatMap { $0.privateIP == nil ? nil : $0 }
    }
    if let interface {
      place.networkMode = "awsvpc"
      place.address = interface.address
      place.subnetID = interface.subnetID
      place.publicIP = interface.id.flatMap { state.publicAddresses[$0] }
    } else if containerInstanceARN != nil {
      place.networkMode = "bridge"
      place.address = place.instance?.privateIP
      place.publicIP = place.instance?.publicIP
      place.subnetID = place.instance?.subnetID
    }
    return place
  }

  /// The target that the task is; nil where it has no address.
  func target(port: Int, region: String, _ state: ECSClusterState) -> Labels? {
    let place = place(state)
    guard let address = place.address, !address.isEmpty else { return nil }
    var labels = LabelsBuilder()
    func set(_ name: String, _ value: String?) {
      if let value { labels.set(Self.prefix + name, value) }
    }
    func setTags(_ kind: String, _ tags: [(key: String, value: String)]) {
      for (key, value) in tags { set("tag_\(kind)_\(MetaLabelName.sanitized(key))", value) }
    }
    labels.set(TargetGroup.addressLabel, MetaLabelName.address(address, port: String(port)))
    set("ip_address", address)
    set("region", region)
    set("launch_type", launchType)
    set("health_status", healthStatus)
    set("network_mode", place.networkMode)
    set("cluster_arn", state.cluster.arn)
    set("cluster", state.cluster.name)
    set("task_group", group)
    set("task_arn", arn)
    set("task_definition", definition)
    set("availability_zone", zone)
    set("desired_status", desiredStatus)
    set("last_status", lastStatus)
    set("subnet_id", place.subnetID)
    set("container_instance_arn", containerInstanceARN)
    set("ec2_instance_id", place.instanceID)
    set("ec2_instance_type", place.instance?.type)
    set("ec2_instance_private_ip", place.instance?.privateIP)
    set("ec2_instance_public_ip", place.instance?.publicIP)
    set("public_ip", place.publicIP)
    set("platform_family", platformFamily)
    set("platform_version", platformVersion)
    setTags("cluster", state.cluster.tags)
    if let serviceName, let service = state.services[serviceName] {
      set("service", service.name)
      set("service_arn", service.arn)
      set("service_status", service.status)
      setTags("service", service.tags)
    }
    setTags("task", tags)
    setTags("ec2", place.instance?.tags ?? [])
    return labels.labels()
  }
}
