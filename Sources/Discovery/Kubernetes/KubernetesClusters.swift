import Model
import Platform
import Synchronization

/// The clusters that discoveries read from. Discoveries of one cluster share what they read. Any thread.
package final class KubernetesClusters: Sendable {
  private struct Member: Sendable {
    var cluster: KubernetesCluster
    var users = 0
  }

  private struct State: Sendable {
    var members: [Member] = []
    var idsMade = 0
  }

  private let state = Mutex(State())

  /// Names no job: what is read is shared.
  private let log: Log

  package init(log: Log) { self.log = log }

  /// A discovery that the options describe; nothing is asked before its start.
  package func discoverer(
    _ options: KubernetesDiscoveryOptions, _ surroundings: DiscoverySurroundings
  ) throws(DiscoveryError) -> any Discoverer {
    let access = try KubernetesAccess(options, environment: surroundings.environment)
    let shared = KubernetesSurroundings(
      clock: surroundings.clock, log: log, metrics: KubernetesMetrics(surroundings.registry),
      userAgent: surroundings.userAgent)
    return KubernetesDiscovery(options, access, self, shared)
  }

  /// The cluster, and numbers for so many parts. Given back with `release`.
  func use(
    _ access: KubernetesAccess, parts: Int, _ surroundings: KubernetesSurroundings
  ) throws(ThreadError) -> (cluster: KubernetesCluster, ids: [Int]) {
    try state.withLock { (state) throws(ThreadError) in
      let place: Int
      if let known = state.members.firstIndex(where: { $0.cluster.access.isSameCluster(access) }) {
        place = known
      } else {
        state.members.append(Member(cluster: try KubernetesCluster(access, surroundings)))
        place = state.members.count - 1
      }
      state.members[place].users += 1
      let ids = (0..<parts).map { state.idsMade + $0 }
      state.idsMade += parts
      return (state.members[place].cluster, ids)
    }
  }

  /// Ends the cluster where no discovery is left.
  func release(_ cluster: KubernetesCluster) {
    let isLast = state.withLock { state in
      guard let place = state.members.firstIndex(where: { $0.cluster === cluster }) else { return false }
      state.members[place].users -= 1
      if state.members[place].users > 0 { return false }
      state.members.remove(at: place)
      return true
    }
    if isLast { cluster.close() }
  }
}

/// One entry of `kubernetes_sd_configs` that runs.
final class KubernetesDiscovery: Discoverer {
  private struct Run: Sendable {
    var cluster: KubernetesCluster
    var ids: [Int]
    var listener: KubernetesListener
  }

  private let options: KubernetesDiscoveryOptions
  private let access: KubernetesAccess
  private let clusters: KubernetesClusters
  private let surroundings: KubernetesSurroundings
  private let run = Mutex<Run?>(nil)

  init(
    _ options: KubernetesDiscoveryOptions, _ access: KubernetesAccess, _ clusters: KubernetesClusters,
    _ surroundings: KubernetesSurroundings
  ) {
    self.options = options
    self.access = access
    self.clusters = clusters
    self.surroundings = surroundings
  }

  func start(_ sink: DiscoverySink) {
    let parts = options.parts(ownNamespace: access.ownNamespace)
    do throws(ThreadError) {
      let (cluster, ids) = try clusters.use(access, parts: parts.count, surroundings)
      let listener = KubernetesListener(sink)
      run.withLock { $0 = Run(cluster: cluster, ids: ids, listener: listener) }
      for (id, part) in zip(ids, parts) { cluster.add(id, KubernetesView(part, options), listener) }
    } catch {
      surroundings.log.error("Kubernetes discovery cannot run: no thread", ["reason": "\(error)"])
    }
  }

  func stop() {
    guard let run = run.withLock({ $0.take() }) else { return }
    run.listener.stop()
    for id in run.ids { run.cluster.remove(id) }
    clusters.release(run.cluster)
  }
}
