import Model
import Outbound
import Platform

/// Finds the tasks of the clusters of a region. One refresh at a time.
final class ECSDiscovery: Refreshable {
  /// Clusters that are read at once, whatever the configuration allows.
  private static let threadsMax = 8
  /// Clusters whose failure the reason of a failed refresh names.
  private static let reasonsMax = 5

  private let options: ECSDiscoveryOptions
  private let session: AWSSession
  private let log: Log
  /// The targets of each cluster as they were last read, by its ARN.
  private let known = Monitor<[String: [Labels]]>([:])

  var mechanism: String { "ecs" }
  var intervalMilliseconds: Int64 { options.refreshMilliseconds }

  init(_ options: ECSDiscoveryOptions, _ surroundings: DiscoverySurroundings) {
    self.options = options
    session = AWSSession(options.access, client: options.client, AWSSurroundings(surroundings))
    log = surroundings.log
  }

  func refresh(isCancelled: @escaping @Sendable () -> Bool) throws(DiscoveryError) -> [TargetGroup] {
    let region: String
    let outcomes: [Outcome]
    do throws(AWSError) {
      let service = try session.service(.ecs, endpoint: options.endpoint, isCancelled)
      let calls = ECSCalls(service: service, isCancelled: isCancelled)
      let machines = EC2Calls(service: try session.service(.ec2, isCancelled), isCancelled: isCancelled)
      region = service.region
      let clusters = try activeClusters(calls)
      outcomes = ParallelMap.run(
        clusters, name: "sd-ecs", threadsMax: min(Self.threadsMax, options.requestConcurrency)
      ) { [self] cluster in
        do throws(AWSError) {
          return Outcome(cluster: cluster, targets: .success(try targets(of: cluster, calls, machines)))
        } catch {
          return Outcome(cluster: cluster, targets: .failure(error))
        }
      }
    } catch {
      if error.isOfIdentity { session.forget() }
      throw DiscoveryError("\(error)")
    }
    return try groups(outcomes, region)
  }

  private struct Outcome: Sendable {
    let cluster: ECSCluster
    let targets: Result<[Labels], AWSError>
  }

  /// One group for the region, in which clusters that could not be read have the targets they had.
  private func groups(_ outcomes: [Outcome], _ region: String) throws(DiscoveryError) -> [TargetGroup] {
    var failures: [AWSError] = []
    let before = known.withLock { $0 }
    var now: [String: [Labels]] = [:]
    var group = TargetGroup(source: region, targets: [])
    for outcome in outcomes {
      let arn = outcome.cluster.arn
      switch outcome.targets {
      case .success(let targets): now[arn] = targets
      case .failure(let error):
        failures.append(error)
        now[arn] = before[arn]
      }
      group.targets += now[arn] ?? []
    }
    if failures.isEmpty {
      known.withLock { $0 = now }
      return [group]
    }
    if failures.contains(where: \.isOfIdentity) { session.forget() }
    let reasons = failures.prefix(Self.reasonsMax).map(\.description).joined(separator: "; ")
    if failures.count == outcomes.count { throw DiscoveryError(reasons) }
    known.withLock { $0 = now }
    throw DiscoveryError(
      "\(failures.count) of \(outcomes.count) clusters could not be read and keep the targets they had: \(reasons)",
      groups: [group])
  }

  /// The clusters to read: those that the configuration names and AWS has, or all.
  private func activeClusters(_ calls: ECSCalls) throws(AWSError) -> [ECSCluster] {
    let names = options.clusters.isEmpty ? try calls.clusterARNs() : options.clusters
    let (found, missing) = try calls.clusters(names)
    for (name, reason) in missing {
      if reason != "MISSING" { throw AWSError("could not describe cluster \(quoted(name)): \(reason)") }
      log.warn("There is no such ECS cluster", ["cluster": name, "region": calls.service.region])
    }
    for cluster in found where !cluster.isActive {
      log.warn("The ECS cluster is not active", ["cluster": cluster.arn])
    }
    return found.filter(\.isActive)
  }

  private func targets(
    of cluster: ECSCluster, _ calls: ECSCalls, _ machines: EC2Calls
  ) throws(AWSError) -> [Labels] {
    let arns = try calls.taskARNs(cluster.arn)
    var tasks = try calls.tasks(arns, cluster.arn)
    if options.isRunningOnly { tasks.removeAll { $0.lastStatus != "RUNNING" } }
    var state = ECSClusterState(cluster)
    state.services = try calls.services(Self.distinct(tasks.map(\.serviceName)), cluster.arn)
    state.instanceIDs = try calls.instanceIDs(Self.distinct(tasks.map(\.containerInstanceARN)), cluster.arn)
    state.publicAddresses = try publicAddresses(Self.distinct(tasks.map { $0.interface?.id }), cluster, machines)
    let ids = Self.distinct(Array(state.instanceIDs.values))
    do throws(AWSError) { state.instances = try machines.instances(ids: ids) } catch {
      throw error.within("could not describe EC2 instances")
    }
    return tasks.compactMap { $0.target(port: options.port, region: calls.service.region, state) }
  }

  /// Nothing but a label comes of public addresses, so without the right to read them there are targets without it.
  private func publicAddresses(
    _ interfaces: [String], _ cluster: ECSCluster, _ machines: EC2Calls
  ) throws(AWSError) -> [String: String] {
    do throws(AWSError) { return try machines.publicAddresses(interfaces: interfaces) } catch {
      if error.code == "UnauthorizedOperation" {
        log.warn(
          "Targets have no __meta_ecs_public_ip: the right ec2:DescribeNetworkInterfaces is missing",
          ["cluster": cluster.arn, "err": "\(error)"])
        return [:]
      }
      throw error.within("could not describe network interfaces")
    }
  }

  private static func distinct(_ names: [String?]) -> [String] { Set(names.compactMap { $0 }).sorted() }
}
