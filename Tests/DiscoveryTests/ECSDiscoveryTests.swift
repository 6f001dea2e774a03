import Format
import Model
import TestKit
import Testing

@testable import Discovery

@Suite("Tasks of ECS") struct ECSDiscoveryTests {
  private static func cluster(_ name: String) -> String {
    #"{"clusterArn":"arn:\#(name)","clusterName":"\#(name)","status":"ACTIVE","tags":[{"key":"c","value":"\#(name)"}]}"#
  }

  private static func task(_ name: String, _ address: String, _ more: String = "") -> String {
    #"{"taskArn":"task/\#(name)","taskDefinitionArn":"def:1","group":"family:x","lastStatus":"RUNNING","#
      + #""launchType":"FARGATE"\#(more),"attachments":[{"type":"ElasticNetworkInterface","details":["#
      + #"{"name":"networkInterfaceId","value":"eni-\#(name)"},{"name":"privateIPv4Address","value":"\#(address)"}]}]}"#
  }

  /// Two clusters, `one` with two tasks on two pages, `two` with one.
  private static func script() throws -> AWSScript {
    try AWSScript([
      "ListClusters": { head in
        AWSScript.json(
          head.contains("\"nextToken\":\"n\"")
            ? #"{"clusterArns":["arn:two"]}"# : #"{"clusterArns":["arn:one"],"nextToken":"n"}"#)(head)
      },
      "DescribeClusters": { head in
        let found = ["one", "two"].filter { head.contains("\"arn:\($0)\"") || head.contains("\"\($0)\"") }
        return AWSScript.json(#"{"clusters":[\#(found.map(cluster).joined(separator: ","))],"failures":[]}"#)(head)
      },
      "ListTasks": { head in
        if head.contains("arn:two") { return AWSScript.json(#"{"taskArns":["task/c"],"nextToken":null}"#)(head) }
        return AWSScript.json(
          head.contains("\"nextToken\":\"p\"")
            ? #"{"taskArns":["task/b"]}"# : #"{"taskArns":["task/a"],"nextToken":"p"}"#)(head)
      },
      "DescribeTasks": { head in
        let all = [("a", "10.0.0.1"), ("b", "10.0.0.2"), ("c", "10.0.0.3")]
        let found = all.filter { head.contains("\"task/\($0.0)\"") }.map { task($0.0, $0.1) }
        return AWSScript.json(#"{"tasks":[\#(found.joined(separator: ","))],"failures":[]}"#)(head)
      },
      "DescribeNetworkInterfaces": AWSScript.xml(
        "DescribeNetworkInterfaces",
        "<networkInterfaceSet><item><networkInterfaceId>eni-b</networkInterfaceId><association>"
          + "<publicIp>54.0.0.2</publicIp></association></item></networkInterfaceSet>"),
    ])
  }

  private func addresses(_ found: (targets: [Labels]?, failure: String?)) -> [String]? {
    found.targets?.map { $0["__address__"] ?? "" }
  }

  @Test("clusters and tasks are read page by page, in the order of their clusters")
  func pages() throws {
    let script = try Self.script()
    let found = AWSScript.refresh(ECSDiscovery(ECSDiscoveryOptions(), script.surroundings()))
    #expect(found.failure == nil && addresses(found) == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"])
    #expect(
      found.targets?[1]
        == Labels([
          ("__address__", "10.0.0.2:80"), ("__meta_ecs_cluster", "one"), ("__meta_ecs_cluster_arn", "arn:one"),
          ("__meta_ecs_ip_address", "10.0.0.2"), ("__meta_ecs_last_status", "RUNNING"),
          ("__meta_ecs_launch_type", "FARGATE"), ("__meta_ecs_network_mode", "awsvpc"),
          ("__meta_ecs_public_ip", "54.0.0.2"), ("__meta_ecs_region", "eu-west-1"),
          ("__meta_ecs_tag_cluster_c", "one"), ("__meta_ecs_task_arn", "task/b"),
          ("__meta_ecs_task_definition", "def:1"), ("__meta_ecs_task_group", "family:x"),
        ]))
    let bodies = script.requests.compactMap {
      $0.hasSuffix("}") ? $0.split(separator: "\r\n").last.map(String.init) : nil
    }
    #expect(bodies.contains(#"{"maxResults":100,"nextToken":"n"}"#))
    #expect(bodies.contains(#"{"cluster":"arn:one","tasks":["task/a","task/b"],"include":["TAGS"]}"#))
  }

  @Test("a cluster that cannot be read keeps the targets it had, and the refresh tells why")
  func partialFailure() throws {
    let script = try Self.script()
    let source = ECSDiscovery(ECSDiscoveryOptions(), script.surroundings())
    let whole = AWSScript.refresh(source)
    let describe = script["DescribeTasks"]
    script["DescribeTasks"] = { head in
      head.contains("arn:one")
        ? AWSScript.refusal(400, "ServerException")(head)
        : AWSScript.json(#"{"tasks":[\#(Self.task("c", "10.0.0.9"))]}"#)(head)
    }
    let partial = AWSScript.refresh(source)
    #expect(addresses(partial) == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:80"])
    #expect(
      partial.failure == "1 of 2 clusters could not be read and keep the targets they had: could not describe tasks in "
        + "cluster \"arn:one\": operation error ECS: DescribeTasks, https response error StatusCode: 400, RequestID: , "
        + "api error ServerException: m")
    // Where none can be read, the last list stays as a whole.
    script["DescribeTasks"] = AWSScript.refusal(400, "ServerException")
    let none = AWSScript.refresh(source)
    #expect(none.targets == nil && none.failure?.hasPrefix("could not describe tasks in cluster ") == true)
    script["ListClusters"] = AWSScript.refusal(400, "AccessDeniedException")
    #expect(AWSScript.refresh(source).failure?.hasPrefix("could not list clusters: operation error ECS: ") == true)
    script["DescribeTasks"] = describe
    script["ListClusters"] = AWSScript.json(#"{"clusterArns":["arn:one","arn:two"]}"#)
    let again = AWSScript.refresh(source)
    #expect(again.failure == nil && again.targets == whole.targets)
    // A cluster that is gone takes its targets along.
    script["ListClusters"] = AWSScript.json(#"{"clusterArns":["arn:two"]}"#)
    #expect(addresses(AWSScript.refresh(source)) == ["10.0.0.3:80"])
    script["ListClusters"] = AWSScript.json(#"{"clusterArns":[]}"#)
    #expect(addresses(AWSScript.refresh(source)) == [])
  }

  @Test("a throttled request is sent again")
  func throttled() throws {
    let script = try Self.script()
    let list = script["ListTasks"]
    script["ListTasks"] = { [weak script] head in
      script?["ListTasks"] = list
      return AWSScript.refusal(400, "ThrottlingException")(head)
    }
    var options = ECSDiscoveryOptions()
    options.clusters = ["arn:two"]
    let found = AWSScript.refresh(ECSDiscovery(options, script.surroundings()))
    #expect(found.failure == nil && addresses(found) == ["10.0.0.3:80"])
    #expect(script.operations.filter { $0 == "ListTasks" }.count == 2)
  }

  @Test("clusters may be named shortly; one that there is none of is told of, and the others are read")
  func names() throws {
    let script = try Self.script()
    var options = ECSDiscoveryOptions()
    options.clusters = ["two", "gone"]
    let describe = script["DescribeClusters"]
    script["DescribeClusters"] = { head in
      let text = describe?(head) ?? ""
      let body = text.split(separator: "\r\n").last ?? ""
      return AWSScript.json(
        body.dropLast("[]}".count) + #"[{"arn":"arn:aws:ecs:gone","reason":"MISSING"}]}"#)(head)
    }
    let found = AWSScript.refresh(ECSDiscovery(options, script.surroundings()))
    #expect(found.failure == nil && addresses(found) == ["10.0.0.3:80"])
    #expect(script.logged.contains { $0.contains("There is no such ECS cluster") && $0.contains("arn:aws:ecs:gone") })
  }

  @Test("tasks that do not run are left out where that is wanted; IPv6 alone is an address, no address is no target")
  func states() throws {
    let script = try Self.script()
    let tasks =
      #"{"tasks":[\#(Self.task("c", "10.0.0.3")),{"taskArn":"d","lastStatus":"PENDING","attachments":[{"type":"#
      + #""ElasticNetworkInterface","details":[{"name":"ipv6Address","value":"2001:db8::9"}]}]},"#
      + #"{"taskArn":"e","lastStatus":"RUNNING","attachments":[{"type":"ElasticNetworkInterface"}]},{}]}"#
    script["DescribeTasks"] = AWSScript.json(tasks)
    var options = ECSDiscoveryOptions()
    options.clusters = ["two"]
    let all = AWSScript.refresh(ECSDiscovery(options, script.surroundings()))
    #expect(addresses(all) == ["10.0.0.3:80", "[2001:db8::9]:80"])
    options.isRunningOnly = true
    #expect(addresses(AWSScript.refresh(ECSDiscovery(options, script.surroundings()))) == ["10.0.0.3:80"])
  }

  @Test("without the right to read network interfaces there are targets without public addresses")
  func rights() throws {
    let script = try Self.script()
    script["DescribeNetworkInterfaces"] = AWSScript.refusal(403, "UnauthorizedOperation")
    let found = AWSScript.refresh(ECSDiscovery(ECSDiscoveryOptions(), script.surroundings()))
    #expect(found.failure == nil && found.targets?.count == 3)
    #expect(found.targets?.allSatisfy { !$0.has("__meta_ecs_public_ip") } == true)
    #expect(script.logged.contains { $0.contains("the right ec2:DescribeNetworkInterfaces is missing") })
    // Any other failure is one of the refresh.
    script["DescribeNetworkInterfaces"] = AWSScript.refusal(400, "InternalError")
    let failed = AWSScript.refresh(ECSDiscovery(ECSDiscoveryOptions(), script.surroundings()))
    #expect(failed.failure?.contains("could not describe network interfaces: ") == true)
  }

  @Test("calls at the same time give their results in order, each once", arguments: [0, 1, 3, 40])
  func parallel(_ threads: Int) {
    let results = ParallelMap.run(Array(0..<25), name: "test", threadsMax: threads) { $0 * 2 }
    #expect(results == (0..<25).map { $0 * 2 })
  }
}
