import Discovery
import Format
import Testing

@testable import apus

@Suite("Discoveries of AWS in the configuration")
struct AWSSectionTests {
  private static let section = Section("job", [DiscoveryOptions](), DiscoveryOptions.settings)

  private func read(_ text: String) throws -> (discoveries: [DiscoveryOptions], faults: [String], unread: [String]) {
    var reader = SchemaReader()
    let value = reader.section(try YAMLDocument.parse(text).root, Self.section.schema)
    var discoveries: [DiscoveryOptions] = []
    var faults: [ConfigurationFault] = reader.faults
    if faults.isEmpty { Self.section.fill(&discoveries, from: value, &faults) }
    return (discoveries, faults.map(\.message), reader.unread)
  }

  @Test("every key is read, with Prometheus's defaults")
  func keys() throws {
    let found = try read(
      """
      ec2_sd_configs:
        - {}
        - {region: r, endpoint: e, access_key: a, secret_key: s, profile: p, role_arn: o, external_id: x, port: 1,
           refresh_interval: 5s, filters: [{name: n, values: [v, w]}], proxy_url: 'http://p'}
      ecs_sd_configs:
        - {}
        - {region: r, endpoint: e, clusters: [c], request_concurrency: 3, running_tasks_only: true, follow_redirects: false}
      """)
    var ec2 = EC2DiscoveryOptions()
    (ec2.access.region, ec2.endpoint, ec2.access.accessKey, ec2.access.secretKey) = ("r", "e", "a", "s")
    (ec2.access.profile, ec2.access.roleARN, ec2.access.externalID, ec2.port) = ("p", "o", "x", 1)
    ec2.refreshMilliseconds = 5000
    ec2.client.proxy.url = "http://p"
    var filter = EC2DiscoveryOptions.Filter()
    (filter.name, filter.values) = ("n", ["v", "w"])
    ec2.filters = [filter]
    var ecs = ECSDiscoveryOptions()
    (ecs.access.region, ecs.endpoint, ecs.clusters, ecs.requestConcurrency) = ("r", "e", ["c"], 3)
    (ecs.isRunningOnly, ecs.client.followsRedirects) = (true, false)
    #expect(found.faults == [] && found.unread == [])
    #expect(
      found.discoveries == [.ec2(EC2DiscoveryOptions()), .ec2(ec2), .ecs(ECSDiscoveryOptions()), .ecs(ecs)])
    let defaults = EC2DiscoveryOptions()
    #expect(defaults.port == 80 && defaults.refreshMilliseconds == 60_000)
    #expect(ECSDiscoveryOptions().port == 80 && ECSDiscoveryOptions().requestConcurrency == 20)
  }

  @Test("aws_sd_configs is the discovery of its role; a role that is not served is named, and the others are there")
  func roles() throws {
    let found = try read(
      """
      aws_sd_configs:
        - {role: ec2, region: r, filters: [{name: n, values: [v]}], clusters: [c]}
        - {role: rds, region: r}
        - {role: ecs, region: r, port: 9, clusters: [c], refresh_interval: 2m, basic_auth: {username: u}}
      """)
    var ec2 = EC2DiscoveryOptions()
    ec2.access.region = "r"
    var filter = EC2DiscoveryOptions.Filter()
    (filter.name, filter.values) = ("n", ["v"])
    ec2.filters = [filter]
    var ecs = ECSDiscoveryOptions()
    (ecs.access.region, ecs.port, ecs.clusters, ecs.refreshMilliseconds) = ("r", 9, ["c"], 120_000)
    ecs.client.credentials = .basic(user: .text("u"), password: .text(""))
    #expect(found.faults == [] && found.unread == ["aws_sd_configs.role: rds"])
    #expect(found.discoveries == [.ec2(ec2), .ecs(ecs)])
  }

  @Test(
    "what Prometheus refuses is refused in its words",
    arguments: [
      ("aws_sd_configs: [{role: s3}]", "unknown AWS SD role \"s3\""),
      ("aws_sd_configs: [{region: r}]", "unknown AWS SD role \"\""),
      ("ec2_sd_configs: [{filters: [{name: a}]}]", "EC2 SD configuration filter values cannot be empty"),
      ("ec2_sd_configs: [{clusters: [c]}]", "unknown key \"clusters\" in ec2"),
      ("ecs_sd_configs: [{port: x}]", "port: \"x\""),
    ])
  func refused(_ text: String, _ fault: String) throws {
    let faults = try read(text).faults
    #expect(faults.count == 1 && faults[0].contains(fault), "\(faults)")
  }
}
