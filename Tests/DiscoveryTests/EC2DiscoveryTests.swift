import Format
import Model
import TestKit
import Testing

@testable import Discovery

@Suite("Instances of EC2") struct EC2DiscoveryTests {
  private static let zones = AWSScript.xml(
    "DescribeAvailabilityZones",
    "<availabilityZoneInfo><item><zoneName>eu-west-1a</zoneName><zoneId>euw1-az3</zoneId></item></availabilityZoneInfo>"
  )

  private static func instances(_ items: String, token: String = "") -> AWSScript.Answer {
    AWSScript.xml(
      "DescribeInstances",
      "<reservationSet><item><ownerId>7</ownerId><instancesSet>\(items)</instancesSet></item></reservationSet>"
        + "<nextToken>\(token)</nextToken>")
  }

  private static func instance(_ id: String, _ more: String = "") -> String {
    "<item><instanceId>\(id)</instanceId><imageId>ami</imageId><instanceState><code>16</code><name>running</name>"
      + "</instanceState><instanceType>t3</instanceType><placement><availabilityZone>eu-west-1a</availabilityZone>"
      + "</placement>\(more)</item>"
  }

  private static func address(_ id: String, _ ip: String) -> String {
    instance(id, "<privateIpAddress>\(ip)</privateIpAddress>")
  }

  @Test("IPv6 addresses have the places of their devices, and stand in for a private address")
  func ipv6() throws {
    func interface(_ device: Int, _ subnet: String, _ addresses: [(String, Bool)]) -> String {
      let items = addresses.map { "<item><ipv6Address>\($0)</ipv6Address><isPrimaryIpv6>\($1)</isPrimaryIpv6></item>" }
      return "<item><subnetId>\(subnet)</subnetId><ipv6AddressesSet>\(items.joined())</ipv6AddressesSet>"
        + "<attachment><deviceIndex>\(device)</deviceIndex></attachment></item>"
    }
    let interfaces =
      interface(0, "s-0", [("2001:db8::1", false)]) + interface(2, "s-1", [("2001:db8::2", true)])
      + interface(3, "s-0", [("2001:db8::3", false), ("2001:db8::4", true)])
    let network = "<vpcId>v</vpcId><subnetId>s-0</subnetId><networkInterfaceSet>\(interfaces)</networkInterfaceSet>"
    let script = try AWSScript([
      "DescribeAvailabilityZones": Self.zones, "DescribeInstances": Self.instances(Self.instance("i-6", network)),
    ])
    let (targets, failure) = AWSScript.refresh(EC2Discovery(EC2DiscoveryOptions(), script.surroundings()))
    #expect(failure == nil)
    #expect(
      targets == [
        Labels([
          ("__address__", "[2001:db8::2]:80"), ("__meta_ec2_ami", "ami"),
          ("__meta_ec2_availability_zone", "eu-west-1a"), ("__meta_ec2_availability_zone_id", "euw1-az3"),
          ("__meta_ec2_default_ipv6_address", "2001:db8::2"), ("__meta_ec2_instance_id", "i-6"),
          ("__meta_ec2_instance_state", "running"), ("__meta_ec2_instance_type", "t3"),
          ("__meta_ec2_ipv6_addresses", ",2001:db8::1,2001:db8::2,2001:db8::3,2001:db8::4,"),
          ("__meta_ec2_owner_id", "7"), ("__meta_ec2_primary_ipv6_addresses", ",,,2001:db8::2,2001:db8::4,"),
          ("__meta_ec2_primary_subnet_id", "s-0"), ("__meta_ec2_region", "eu-west-1"),
          ("__meta_ec2_subnet_id", ",s-0,s-1,"), ("__meta_ec2_vpc_id", "v"),
        ])
      ])
  }

  @Test("all pages are read, filters are sent, and instances without an address are no targets")
  func pages() throws {
    let script = try AWSScript(["DescribeAvailabilityZones": Self.zones])
    script["DescribeInstances"] = { head in
      if head.contains("NextToken=t%2B1") { return Self.instances(Self.address("i-3", "10.0.0.3"))(head) }
      return Self.instances(Self.address("i-1", "10.0.0.1") + Self.instance("i-2"), token: "t+1")(head)
    }
    var options = EC2DiscoveryOptions()
    var filter = EC2DiscoveryOptions.Filter()
    (filter.name, filter.values) = ("tag:Env", ["a b", "c"])
    options.filters = [filter]
    options.port = 9100
    let source = EC2Discovery(options, script.surroundings())
    for _ in 0..<2 {
      let (targets, failure) = AWSScript.refresh(source)
      #expect(failure == nil && targets?.map { $0["__address__"] } == ["10.0.0.1:9100", "10.0.0.3:9100"])
    }
    // The zones are asked for once.
    #expect(
      script.operations == [
        "DescribeAvailabilityZones", "DescribeInstances", "DescribeInstances", "DescribeInstances", "DescribeInstances",
      ])
    #expect(
      script.requests.filter { $0.contains("Action=DescribeInstances") }.allSatisfy {
        $0.contains("&Filter.1.Name=tag%3AEnv&Filter.1.Value.1=a%20b&Filter.1.Value.2=c")
      })
  }

  @Test("a failure says so and never means that there are no targets")
  func failures() throws {
    let script = try AWSScript([
      "DescribeAvailabilityZones": AWSScript.refusal(403, "UnauthorizedOperation"),
      "DescribeInstances": Self.instances(Self.address("i-1", "10.0.0.1")),
    ])
    let source = EC2Discovery(EC2DiscoveryOptions(), script.surroundings())
    // Without the zones a label is missing, no target.
    #expect(AWSScript.refresh(source).targets?.map { $0["__meta_ec2_availability_zone_id"] } == [nil])
    #expect(script.logged.contains { $0.contains("Unable to describe availability zones") })
    script["DescribeInstances"] = AWSScript.refusal(403, "UnauthorizedOperation")
    #expect(
      AWSScript.refresh(source).failure
        == "could not describe instances: operation error EC2: DescribeInstances, https "
        + "response error StatusCode: 403, RequestID: , api error UnauthorizedOperation: m")
    for body in ["", "<html><body/></html>", "<DescribeInstancesResponse>", "{}"] {
      script["DescribeInstances"] = { _ in AWSScript.wire(200, body) }
      let (targets, failure) = AWSScript.refresh(source)
      #expect(targets == nil && failure?.hasPrefix("could not describe instances: ") == true)
    }
    // A page that fails fails all.
    script["DescribeInstances"] = { head in
      head.contains("NextToken=")
        ? AWSScript.refusal(400, "InvalidNextToken")(head)
        : Self.instances(Self.address("i-1", "10.0.0.1"), token: "t")(head)
    }
    #expect(AWSScript.refresh(source).targets == nil)
  }

  @Test("after a refusal the keys are looked for anew")
  func renewedKeys() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write("[default]\naws_access_key_id=OLD\naws_secret_access_key=s\n", to: "credentials")
    let script = try AWSScript(["DescribeAvailabilityZones": Self.zones])
    script["DescribeInstances"] = { head in
      head.contains("Credential=NEW/")
        ? Self.instances(Self.address("i-1", "10.0.0.1"))(head) : AWSScript.refusal(401, "AuthFailure")(head)
    }
    let source = EC2Discovery(
      EC2DiscoveryOptions(),
      script.surroundings(["AWS_ACCESS_KEY_ID": "", "AWS_SHARED_CREDENTIALS_FILE": file]))
    #expect(AWSScript.refresh(source).failure?.contains("api error AuthFailure: m") == true)
    try folder.write("[default]\naws_access_key_id=NEW\naws_secret_access_key=s\n", to: "credentials")
    #expect(AWSScript.refresh(source).targets?.count == 1)
  }
}
