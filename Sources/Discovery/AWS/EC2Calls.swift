import Format
import Model
import Outbound

/// The requests to EC2 that discoveries make. A value.
struct EC2Calls: Sendable {
  private static let version = "2016-11-15"
  /// Instances or interfaces of an answer; AWS's most. Without it EC2 answers all at once, and gives up where they are many.
  private static let pageMax = 1000
  /// Values of one filter; AWS's most.
  private static let namesMax = 200
  /// More pages are not read: a service that goes on for ever is broken.
  private static let pagesMax = 10_000

  let service: AWSService
  let isCancelled: Cancellation

  /// All instances that the filters leave.
  func instances(_ filters: [EC2DiscoveryOptions.Filter]) throws(AWSError) -> [EC2Instance] {
    var instances: [EC2Instance] = []
    try pages("DescribeInstances", filters) { answer in
      for reservation in answer.items(of: "reservationSet") {
        let owner = reservation.text(of: "ownerId")
        instances += reservation.items(of: "instancesSet").compactMap { EC2Instance($0, ownerID: owner) }
      }
    }
    return instances
  }

  /// Those of these instances that are there, by their ids. Asked for by a filter: of names, one that is gone fails all.
  func instances(ids: [String]) throws(AWSError) -> [String: EC2Instance] {
    var found: [String: EC2Instance] = [:]
    for part in Self.parts(ids) {
      var filter = EC2DiscoveryOptions.Filter()
      (filter.name, filter.values) = ("instance-id", part)
      for instance in try instances([filter]) { found[instance.id] = instance }
    }
    return found
  }

  /// The ids of the region's zones by their names.
  func zoneIDs() throws(AWSError) -> [String: String] {
    let answer = try call("DescribeAvailabilityZones", [])
    var ids: [String: String] = [:]
    for zone in answer.items(of: "availabilityZoneInfo") {
      if let name = zone.text(of: "zoneName"), let id = zone.text(of: "zoneId") { ids[name] = id }
    }
    return ids
  }

  /// The public addresses of network interfaces, by their ids.
  func publicAddresses(interfaces: [String]) throws(AWSError) -> [String: String] {
    var addresses: [String: String] = [:]
    for part in Self.parts(interfaces) {
      var filter = EC2DiscoveryOptions.Filter()
      (filter.name, filter.values) = ("network-interface-id", part)
      try pages("DescribeNetworkInterfaces", [filter]) { answer in
        for interface in answer.items(of: "networkInterfaceSet") {
          if let id = interface.text(of: "networkInterfaceId"),
            let address = interface["association"]?.text(of: "publicIp")
          {
            addresses[id] = address
          }
        }
      }
    }
    return addresses
  }

  private static func parts(_ names: [String]) -> [[String]] {
    stride(from: 0, to: names.count, by: namesMax).map { Array(names[$0..<min($0 + namesMax, names.count)]) }
  }

  private func pages(
    _ operation: String, _ filters: [EC2DiscoveryOptions.Filter], _ take: (XMLElement) -> Void
  ) throws(AWSError) {
    var parameters: [(name: String, value: String)] = [("MaxResults", String(Self.pageMax))]
    for (place, filter) in filters.enumerated() {
      parameters.append(("Filter.\(place + 1).Name", filter.name))
      for (number, value) in filter.values.enumerated() {
        parameters.append(("Filter.\(place + 1).Value.\(number + 1)", value))
      }
    }
    var token: String?
    for _ in 0..<Self.pagesMax {
      let answer = try call(operation, parameters + (token.map { [("NextToken", $0)] } ?? []))
      take(answer)
      guard let next = answer.text(of: "nextToken") else { return }
      token = next
    }
    throw AWSError("operation error EC2: \(operation), more than \(Self.pagesMax) pages")
  }

  private func call(
    _ operation: String, _ parameters: [(name: String, value: String)]
  ) throws(AWSError) -> XMLElement {
    let body = try service.send(.form(operation, version: Self.version, parameters), isCancelled)
    let answer: XMLElement
    do throws(XMLError) { answer = try body.lend { bytes throws(XMLError) in try XMLElement(bytes) } } catch {
      throw AWSError("operation error EC2: \(operation), \(error)")
    }
    // Anything else that is XML (a captive portal's page) would read as an answer without targets.
    if answer.name != "\(operation)Response" {
      throw AWSError("operation error EC2: \(operation), the answer is of the kind \(quoted(answer.name))")
    }
    return answer
  }
}
