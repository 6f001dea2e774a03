import Format
import Model

/// An instance as EC2 describes it. A value.
struct EC2Instance: Sendable {
  struct Interface: Sendable {
    var subnetID: String?
    var deviceIndex: Int?
    var addresses: [(address: String, isPrimary: Bool)] = []
  }

  var id: String
  var ownerID: String?
  var imageID: String?
  var state: String?
  var privateDNS: String?
  var publicDNS: String?
  var type: String?
  var zone: String?
  var subnetID: String?
  var vpcID: String?
  var privateIP: String?
  var publicIP: String?
  var architecture: String?
  var platform: String?
  var lifecycle: String?
  var tags: [(key: String, value: String)]
  var interfaces: [Interface]

  /// Nil where the element has no instance.
  init?(_ item: XMLElement, ownerID: String?) {
    guard let id = item.text(of: "instanceId") else { return nil }
    self.id = id
    self.ownerID = ownerID
    imageID = item.text(of: "imageId")
    state = item["instanceState"]?.text(of: "name")
    privateDNS = item.text(of: "privateDnsName")
    publicDNS = item.text(of: "dnsName")
    type = item.text(of: "instanceType")
    zone = item["placement"]?.text(of: "availabilityZone")
    subnetID = item.text(of: "subnetId")
    vpcID = item.text(of: "vpcId")
    privateIP = item.text(of: "privateIpAddress")
    publicIP = item.text(of: "ipAddress")
    architecture = item.text(of: "architecture")
    platform = item.text(of: "platform")
    lifecycle = item.text(of: "instanceLifecycle")
    tags = item.items(of: "tagSet").compactMap { tag in
      tag.text(of: "key").map { ($0, tag.text(of: "value") ?? "") }
    }
    interfaces = item.items(of: "networkInterfaceSet").map { interface in
      Interface(
        subnetID: interface.text(of: "subnetId"),
        deviceIndex: interface["attachment"]?.text(of: "deviceIndex").flatMap { Int($0) },
        addresses: interface.items(of: "ipv6AddressesSet").compactMap { address in
          address.text(of: "ipv6Address").map { ($0, address.text(of: "isPrimaryIpv6") == "true") }
        })
    }
  }
}
