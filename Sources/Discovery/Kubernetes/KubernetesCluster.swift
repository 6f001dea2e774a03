import HTTP
import Model
import Outbound
import Platform
import Synchronization

/// A cluster that discoveries read from: one watcher for each different resource, shared by all of them, and a thread that
/// owns the objects and makes the groups. It ends with its last discovery.
final class KubernetesCluster: Sendable {
  /// Events that wait to be taken over; watchers wait when there are more.
  static let ordersMax = 4_096
  /// Events taken over before the groups that they change are told.
  private static let batchMax = 512
  private static let closingMillisecondsMax: Int64 = 3_000
  /// Longer than any watch.
  private static let exchangeMillisecondsMax = 3_600_000

  enum Order: Sendable {
    case add(id: Int, KubernetesView, KubernetesListener)
    case remove(id: Int)
    case event(KubernetesResource, KubernetesEvent)
  }

  let access: KubernetesAccess
  private let orders = BoundedQueue<Order>(limit: KubernetesCluster.ordersMax)
  private let hasEnded = Monitor(false)
  private let thread: NamedThread

  init(_ access: KubernetesAccess, _ surroundings: KubernetesSurroundings) throws(ThreadError) {
    self.access = access
    var options = HTTPClientOptions()
    options.userAgent = surroundings.userAgent
    options.totalMillisecondsMax = Self.exchangeMillisecondsMax
    let client = OutboundClient(access.client, options: options)
    let (orders, hasEnded, server) = (orders, hasEnded, access.server)
    thread = try NamedThread(name: "kube-groups") {
      var work = KubernetesClusterWork(surroundings: surroundings) { (resource) throws(ThreadError) in
        try KubernetesWatcher(resource, server: server, client: client, surroundings) { event in
          orders.push(.event(resource, event))
        }
      }
      while let order = orders.pop() {
        work.take(order)
        var count = 1
        while count < Self.batchMax, let more = orders.tryPop() {
          work.take(more)
          count += 1
        }
        work.tell()
      }
      work.stop()
      hasEnded.withLock { $0 = true }
      hasEnded.wakeAll()
    }
  }

  func add(_ id: Int, _ view: KubernetesView, _ listener: KubernetesListener) {
    _ = orders.push(.add(id: id, view, listener))
  }

  func remove(_ id: Int) { _ = orders.push(.remove(id: id)) }

  /// Ends all watches, and waits for their threads, but not for one that hangs.
  func close() {
    orders.close()
    let deadline = Deadline(milliseconds: Self.closingMillisecondsMax)
    let _: Void? = hasEnded.wait(until: deadline) { $0 ? () : nil }
  }
}

/// The way of the groups to one discovery, until that is stopped.
final class KubernetesListener: Sendable {
  private let sink: DiscoverySink
  private let isStopped = CancelFlag()

  init(_ sink: DiscoverySink) { self.sink = sink }

  func stop() { isStopped.cancel() }

  func tell(_ groups: [TargetGroup]) {
    for group in groups where !isStopped.isCancelled { sink.update(group) }
  }
}

/// The work of a cluster's thread, which alone touches it.
private struct KubernetesClusterWork {
  let surroundings: KubernetesSurroundings
  let makeWatcher: (KubernetesResource) throws(ThreadError) -> KubernetesWatcher
  private var mirror = KubernetesMirror()
  private var listeners: [Int: KubernetesListener] = [:]
  private var watchers: [KubernetesResource: KubernetesWatcher] = [:]
  private var leftOutTold = 0

  init(
    surroundings: KubernetesSurroundings,
    _ makeWatcher: @escaping (KubernetesResource) throws(ThreadError) -> KubernetesWatcher
  ) {
    self.surroundings = surroundings
    self.makeWatcher = makeWatcher
  }

  mutating func take(_ order: KubernetesCluster.Order) {
    switch order {
    case .add(let id, let view, let listener):
      mirror.add(id, view)
      listeners[id] = listener
      for resource in view.part.resources where watchers[resource] == nil {
        do throws(ThreadError) { watchers[resource] = try makeWatcher(resource) } catch {
          surroundings.log.error(
            "Kubernetes discovery cannot watch: no thread", ["resource": "\(resource)", "reason": "\(error)"])
        }
      }
    case .remove(let id):
      listeners[id] = nil
      for resource in mirror.remove(id) { watchers.removeValue(forKey: resource)?.stop() }
    case .event(let resource, let event): take(event, resource)
    }
  }

  private mutating func take(_ event: KubernetesEvent, _ resource: KubernetesResource) {
    let metrics = surroundings.metrics
    switch event {
    case .listBegan: mirror.beginList(resource)
    case .object(let object):
      if let change = mirror.put(object, resource) { metrics.count(resource.kind, change) }
    case .deleted(let key):
      if let change = mirror.delete(key, resource) { metrics.count(resource.kind, change) }
    case .listEnded: metrics.count(resource.kind, .delete, mirror.endList(resource))
    }
  }

  mutating func tell() {
    for (id, groups) in mirror.takeGroups() { listeners[id]?.tell(groups) }
    if mirror.leftOut > leftOutTold {
      leftOutTold = mirror.leftOut
      surroundings.log.error(
        "Kubernetes discovery leaves objects out: one resource has more than \(KubernetesMirror.objectsMax)",
        ["objects": String(mirror.leftOut)])
    }
  }

  func stop() {
    for watcher in watchers.values { watcher.stop() }
    for watcher in watchers.values { watcher.join() }
  }
}
