import Format
import Model
import Outbound
import Platform
import TestKit
import Testing

@testable import Discovery

/// Against moto, a fake of AWS, which boto3 has filled: the targets are those that Prometheus's rules make of boto3's answers.
@Suite("Discoveries of AWS against moto", .serialized, .timeLimit(.minutes(2)))
struct AWSPeerTests {
  private static let isThere = PeerBinary.moto.isExpected
  private static let absence = Comment(rawValue: PeerBinary.moto.absence)

  /// The fake, and what boto3 says is there.
  private final class Fake {
    let child: ChildProcess
    let facts: JSONDocument

    init() throws {
      let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
      let child = try ChildProcess(try PeerBinary.moto.path(), [root + "/Tests/Scripts/aws.py"])
      self.child = child
      let line = eventually(within: .seconds(60)) { () -> String? in
        let text = child.standardOutput.text
        return text.hasSuffix("\n") || !child.isRunning ? text : nil
      }
      facts = try #require(
        line?.lend { JSONDocument($0) }, "moto does not run: \(child.standardError.text.suffix(2000))")
    }

    var url: String { facts["url"]?.text ?? "" }

    func targets(_ name: String) -> [String] {
      facts[name]?.elements.map { target in
        guard case .object(let members) = target else { return "" }
        return Labels(members.map { ($0.name, $0.value.text ?? "") }).description
      }.sorted() ?? []
    }

    func surroundings(_ environment: [String: String] = [:]) -> DiscoverySurroundings {
      DiscoverySurroundings(
        clock: SystemClock(), log: Log(level: .error, format: .logfmt) { _ in }, registry: MetricsRegistry(),
        userAgent: "Prometheus/3.5.3",
        environment: ["AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-west-1"].merging(environment) { $1 })
    }
  }

  private func texts(_ groups: [TargetGroup]) -> [String] {
    groups.flatMap { $0.targets.map(\.description) }.sorted()
  }

  @Test("instances and tasks are the targets that boto3 sees", .enabled(if: isThere, absence))
  func same() throws {
    let fake = try Fake()
    let keys = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"]

    var ec2 = EC2DiscoveryOptions()
    ec2.port = 9100
    let instances = try EC2Discovery(ec2, fake.surroundings(keys)).refresh { false }
    #expect(instances.map(\.source) == ["eu-west-1"] && fake.targets("ec2").count == 3)
    #expect(texts(instances) == fake.targets("ec2"))

    // The filter, and the keys of a role that the instance's role assumes.
    var filter = EC2DiscoveryOptions.Filter()
    (filter.name, filter.values) = ("tag:Env", ["prod & <main>"])
    ec2.filters = [filter]
    ec2.access.roleARN = "arn:aws:iam::123456789012:role/reader"
    let metadata = fake.surroundings(["AWS_EC2_METADATA_SERVICE_ENDPOINT": fake.url])
    let filtered = try EC2Discovery(ec2, metadata).refresh { false }
    #expect(fake.targets("prod").count == 2 && texts(filtered) == fake.targets("prod"))

    var ecs = ECSDiscoveryOptions()
    ecs.port = 9100
    let tasks = try ECSDiscovery(ecs, fake.surroundings(keys)).refresh { false }
    #expect(fake.targets("ecs").count == 4 && texts(tasks) == fake.targets("ecs"))
    for cluster in ["one", fake.facts["arn"]?.text ?? ""] {
      ecs.clusters = [cluster]
      let chosen = try ECSDiscovery(ecs, fake.surroundings(keys)).refresh { false }
      #expect(fake.targets("one").count == 3 && texts(chosen) == fake.targets("one"))
    }
  }
}
