import Format

/// Tags as ECS writes them.
private func tags(_ object: JSONDocument) -> [(key: String, value: String)] {
  object["tags"]?.elements.compactMap { tag in
    guard let key = tag["key"]?.text, let value = tag["value"]?.text else { return nil }
    return (key, value)
  } ?? []
}

struct ECSCluster: Sendable {
  let arn: String
  let name: String?
  /// False for a cluster that was deleted and is still told of.
  let isActive: Bool
  let tags: [(key: String, value: String)]

  init?(_ object: JSONDocument) {
    guard let arn = object["clusterArn"]?.text else { return nil }
    self.arn = arn
    name = object["clusterName"]?.text
    isActive = object["status"]?.text != "INACTIVE"
    tags = Discovery.tags(object)
  }
}

struct ECSServiceState: Sendable {
  let arn: String
  let name: String
  let status: String?
  let tags: [(key: String, value: String)]

  init?(_ object: JSONDocument) {
    guard let arn = object["serviceArn"]?.text, let name = object["serviceName"]?.text else { return nil }
    self.arn = arn
    self.name = name
    status = object["status"]?.text
    tags = Discovery.tags(object)
  }
}

/// A task as ECS describes it. A value.
struct ECSTask: Sendable {
  /// Its own network interface, where it has one (network mode `awsvpc`).
  struct Interface: Sendable {
    var id: String?
    var address: String?
    var subnetID: String?
  }

  let arn: String?
  let definition: String?
  let group: String?
  let zone: String?
  let launchType: String?
  let desiredStatus: String?
  let lastStatus: String?
  let healthStatus: String?
  let platformFamily: String?
  let platformVersion: String?
  /// The machine of the cluster that it runs on; nil on Fargate.
  let containerInstanceARN: String?
  let interface: Interface?
  let tags: [(key: String, value: String)]

  init(_ object: JSONDocument) {
    arn = object["taskArn"]?.text
    definition = object["taskDefinitionArn"]?.text
    group = object["group"]?.text
    zone = object["availabilityZone"]?.text
    launchType = object["launchType"]?.text
    desiredStatus = object["desiredStatus"]?.text
    lastStatus = object["lastStatus"]?.text
    healthStatus = object["healthStatus"]?.text
    platformFamily = object["platformFamily"]?.text
    platformVersion = object["platformVersion"]?.text
    containerInstanceARN = object["containerInstanceArn"]?.text
    interface = Self.interface(object)
    tags = Discovery.tags(object)
  }

  private static func interface(_ object: JSONDocument) -> Interface? {
    let attachments = object["attachments"]?.elements ?? []
    guard let attachment = attachments.first(where: { $0["type"]?.text == "ElasticNetworkInterface" }) else {
      return nil
    }
    var interface = Interface()
    var ipv6: String?
    for detail in attachment["details"]?.elements ?? [] {
      let value = detail["value"]?.text
      switch detail["name"]?.text {
      case "privateIPv4Address": interface.address = value
      case "ipv6Address": ipv6 = value
      case "subnetId": interface.subnetID = value
      case "networkInterfaceId": interface.id = value
      default: break
      }
    }
    interface.address = interface.address ?? ipv6
    return interface
  }

  /// The name of the service that has started it.
  var serviceName: String? {
    guard let group, group.hasPrefix("service:") else { return nil }
    return String(group.dropFirst("service:".count))
  }
}
