import Format
import Model
import Outbound

/// The requests to ECS that a discovery makes. A value.
struct ECSCalls: Sendable {
  private static let target = "AmazonEC2ContainerServiceV20141113"
  /// Names in one answer or request; AWS's most.
  private static let namesMax = 100
  private static let servicesMax = 10
  /// More pages are not read: a service that goes on for ever is broken.
  private static let pagesMax = 10_000

  let service: AWSService
  let isCancelled: Cancellation

  func clusterARNs() throws(AWSError) -> [String] {
    do throws(AWSError) { return try list("ListClusters", "clusterArns") } catch {
      throw error.within("could not list clusters")
    }
  }

  func taskARNs(_ cluster: String) throws(AWSError) -> [String] {
    do throws(AWSError) { return try list("ListTasks", "taskArns", cluster) } catch {
      throw error.within("could not list tasks for cluster \(quoted(cluster))")
    }
  }

  /// Clusters by name or ARN, and those that there are none of, each with AWS's reason.
  func clusters(_ names: [String]) throws(AWSError) -> (found: [ECSCluster], missing: [(name: String, reason: String)])
  {
    var found: [ECSCluster] = []
    var missing: [(name: String, reason: String)] = []
    for part in Self.parts(names, Self.namesMax) {
      do throws(AWSError) {
        let answer = try call("DescribeClusters", Self.body(names: ("clusters", part), hasTags: true))
        found += answer["clusters"]?.elements.compactMap { ECSCluster($0) } ?? []
        missing +=
          answer["failures"]?.elements.map { ($0["arn"]?.text ?? "", $0["reason"]?.text ?? "no reason given") } ?? []
      } catch {
        throw error.within("could not describe clusters [\(part.joined(separator: " "))]")
      }
    }
    return (found, missing)
  }

  /// Those of these services of a cluster that are there, by their names.
  func services(_ names: [String], _ cluster: String) throws(AWSError) -> [String: ECSServiceState] {
    var services: [String: ECSServiceState] = [:]
    for part in Self.parts(names, Self.servicesMax) {
      do throws(AWSError) {
        let answer = try call("DescribeServices", Self.body(cluster, names: ("services", part), hasTags: true))
        for service in answer["services"]?.elements.compactMap({ ECSServiceState($0) }) ?? [] {
          services[service.name] = service
        }
      } catch {
        throw error.within("could not describe services for cluster \(quoted(cluster))")
      }
    }
    return services
  }

  func tasks(_ arns: [String], _ cluster: String) throws(AWSError) -> [ECSTask] {
    var tasks: [ECSTask] = []
    for part in Self.parts(arns, Self.namesMax) {
      do throws(AWSError) {
        let answer = try call("DescribeTasks", Self.body(cluster, names: ("tasks", part), hasTags: true))
        tasks += answer["tasks"]?.elements.map { ECSTask($0) } ?? []
      } catch {
        throw error.within("could not describe tasks in cluster \(quoted(cluster))")
      }
    }
    return tasks
  }

  /// The EC2 instances behind container instances, by the ARN of these.
  func instanceIDs(_ arns: [String], _ cluster: String) throws(AWSError) -> [String: String] {
    var ids: [String: String] = [:]
    for part in Self.parts(arns, Self.namesMax) {
      do throws(AWSError) {
        let answer = try call("DescribeContainerInstances", Self.body(cluster, names: ("containerInstances", part)))
        for instance in answer["containerInstances"]?.elements ?? [] {
          if let arn = instance["containerInstanceArn"]?.text, let id = instance["ec2InstanceId"]?.text {
            ids[arn] = id
          }
        }
      } catch {
        throw error.within("could not describe container instances")
      }
    }
    return ids
  }

  private func list(_ operation: String, _ member: String, _ cluster: String? = nil) throws(AWSError) -> [String] {
    var names: [String] = []
    var token: String?
    for _ in 0..<Self.pagesMax {
      let answer = try call(operation, Self.body(cluster, token: token, isList: true))
      names += answer[member]?.elements.compactMap(\.text) ?? []
      guard let next = answer["nextToken"]?.text, !next.isEmpty else { return names }
      token = next
    }
    throw AWSError("operation error ECS: \(operation), more than \(Self.pagesMax) pages")
  }

  private static func body(
    _ cluster: String? = nil, names: (member: String, values: [String])? = nil, hasTags: Bool = false,
    token: String? = nil, isList: Bool = false
  ) -> JSONBuffer {
    var members: [(name: String, write: (inout JSONBuffer) -> Void)] = []
    if let cluster { members.append(("cluster", { $0.string(cluster) })) }
    if let names { members.append((names.member, { Self.write(names.values, to: &$0) })) }
    if hasTags { members.append(("include", { Self.write(["TAGS"], to: &$0) })) }
    if isList { members.append(("maxResults", { $0.integer(Self.namesMax) })) }
    if let token { members.append(("nextToken", { $0.string(token) })) }
    var json = JSONBuffer()
    json.raw("{")
    for (place, member) in members.enumerated() {
      if place > 0 { json.raw(",") }
      json.string(member.name)
      json.raw(":")
      member.write(&json)
    }
    json.raw("}")
    return json
  }

  private static func write(_ texts: [String], to json: inout JSONBuffer) {
    json.raw("[")
    for (place, text) in texts.enumerated() {
      if place > 0 { json.raw(",") }
      json.string(text)
    }
    json.raw("]")
  }

  private static func parts(_ names: [String], _ max: Int) -> [[String]] {
    stride(from: 0, to: names.count, by: max).map { Array(names[$0..<min($0 + max, names.count)]) }
  }

  private func call(_ operation: String, _ body: JSONBuffer) throws(AWSError) -> JSONDocument {
    let body = try service.send(.json(operation, target: Self.target, body), isCancelled)
    guard let answer = body.lend({ JSONDocument($0) }), case .object = answer else {
      throw AWSError("operation error ECS: \(operation), the answer is no JSON object")
    }
    return answer
  }
}
