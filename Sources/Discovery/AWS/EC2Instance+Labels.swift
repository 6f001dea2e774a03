import Model

extension EC2Instance {
  private static let prefix = "__meta_ec2_"
  /// Interfaces of an instance are numbered from 0; higher numbers are no places of a list.
  private static let deviceIndexMax = 255

  /// The target that the instance is; nil where it has no address. `zoneIDs`: ids of the zones by their names.
  func target(port: Int, region: String, zoneIDs: [String: String]) -> Labels? {
    let addresses = ipv6Addresses
    guard let address = privateIP ?? addresses.byDefault else { return nil }
    var labels = LabelsBuilder()
    func set(_ name: String, _ value: String?) {
      if let value { labels.set(Self.prefix + name, value) }
    }
    labels.set(TargetGroup.addressLabel, MetaLabelName.address(address, port: String(port)))
    set("instance_id", id)
    set("region", region)
    set("owner_id", ownerID)
    set("default_ipv6_address", addresses.byDefault)
    set("private_ip", privateIP)
    set("private_dns_name", privateDNS)
    set("platform", platform)
    if let publicIP {
      set("public_ip", publicIP)
      set("public_dns_name", publicDNS)
    }
    if !addresses.primary.isEmpty { set("primary_ipv6_addresses", list(addresses.primary)) }
    if !addresses.all.isEmpty { set("ipv6_addresses", list(addresses.all)) }
    set("ami", imageID)
    set("availability_zone", zone)
    set("availability_zone_id", zone.flatMap { zoneIDs[$0] })
    set("instance_state", state)
    set("instance_type", type)
    set("instance_lifecycle", lifecycle)
    set("architecture", architecture)
    if vpcID != nil {
      set("vpc_id", vpcID)
      set("primary_subnet_id", subnetID)
      var subnets: [String] = []
      for case let subnet? in interfaces.map(\.subnetID) where !subnets.contains(subnet) { subnets.append(subnet) }
      set("subnet_id", list(subnets))
    }
    for (key, value) in tags { set("tag_" + MetaLabelName.sanitized(key), value) }
    return labels.labels()
  }

  /// With separators at both ends, so that rules can look for a whole value.
  private func list(_ values: [String]) -> String { ",\(values.joined(separator: ","))," }

  /// Addresses of interfaces in a VPC: those that are primary, at the place of their device; all; and the first of them.
  private var ipv6Addresses: (primary: [String], all: [String], byDefault: String?) {
    var primary: [String] = []
    var all: [String] = []
    guard vpcID != nil else { return (primary, all, nil) }
    for interface in interfaces where interface.subnetID != nil {
      for (address, isPrimary) in interface.addresses {
        all.append(address)
        guard isPrimary, let index = interface.deviceIndex, (0...Self.deviceIndexMax).contains(index) else { continue }
        while primary.count <= index { primary.append("") }
        primary[index] = address
      }
    }
    return (primary, all, (primary + all).first { !$0.isEmpty })
  }
}
