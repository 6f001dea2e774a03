import HTTP
import Model
import Outbound
import Platform
import Synchronization

/// One entry of `consul_sd_configs` that runs: a thread that knows what to ask and reads the answers, and one that all
/// queries wait on, however many there are.
final class ConsulDiscovery: Discoverer {
  fileprivate enum Message: Sendable {
    case answer(ConsulCourse.Query, number: Int, seconds: Double, Result<ClientResponse, HTTPClientError>)
    /// Credentials to read before a query can start.
    case task(@Sendable () -> Void)
  }

  fileprivate struct Inbox: Sendable {
    var messages: [Message] = []
    var isStopping = false
  }

  private let options: ConsulDiscoveryOptions
  private let surroundings: DiscoverySurroundings
  private let inbox = Monitor(Inbox())
  private let parts = Mutex<(thread: NamedThread, loop: ExchangeLoop)?>(nil)

  init(_ options: ConsulDiscoveryOptions, _ surroundings: DiscoverySurroundings) {
    self.options = options
    self.surroundings = surroundings
  }

  func start(_ sink: DiscoverySink) {
    do throws(ThreadError) {
      var limits = ExchangeLoop.Limits()
      limits.exchangesMax = ConsulCourse.servicesMax + 1
      limits.connectionsMax = ConsulCourse.servicesMax + 1
      let loop = try ExchangeLoop(name: "consul-queries", limits: limits)
      let work = ConsulWork(options, surroundings, inbox, loop, sink)
      let thread = try NamedThread(name: "consul") {
        var work = work
        work.run()
      }
      parts.withLock { $0 = (thread, loop) }
    } catch {
      surroundings.log.error("Consul discovery cannot run: no thread", ["reason": "\(error)"])
    }
  }

  func stop() {
    inbox.withLock { $0.isStopping = true }
    inbox.wakeAll()
    guard let (thread, loop) = parts.withLock({ $0.take() }) else { return }
    loop.stop()
    thread.join()
  }
}

/// The metrics of all Consul discoveries of a registry.
struct ConsulMetrics: Sendable {
  let failures: Counter
  let services: SummaryMetric
  let service: SummaryMetric

  init(_ surroundings: DiscoverySurroundings) {
    failures = surroundings.registry.counter(
      "prometheus_sd_consul_rpc_failures_total", "The number of Consul RPC call failures.")
    func duration(_ call: String) -> SummaryMetric {
      surroundings.registry.summary(
        "prometheus_sd_consul_rpc_duration_seconds", "The duration of a Consul RPC call in seconds.",
        labels: [("endpoint", "catalog"), ("call", call)], clock: surroundings.clock)
    }
    services = duration("services")
    service = duration("service")
  }
}

/// The work of a discovery's thread, which alone touches it.
private struct ConsulWork: Sendable {
  private let options: ConsulDiscoveryOptions
  private let surroundings: DiscoverySurroundings
  private let inbox: Monitor<ConsulDiscovery.Inbox>
  private let loop: ExchangeLoop
  private let sink: DiscoverySink
  private let client: OutboundClient
  private let requests: ConsulRequests
  private let metrics: ConsulMetrics
  private var course: ConsulCourse
  /// The last failure that the log has of a query: it is not told again and again.
  private var told: [ConsulCourse.Query: String] = [:]

  init(
    _ options: ConsulDiscoveryOptions, _ surroundings: DiscoverySurroundings,
    _ inbox: Monitor<ConsulDiscovery.Inbox>, _ loop: ExchangeLoop, _ sink: DiscoverySink
  ) {
    self.options = options
    self.surroundings = surroundings
    self.inbox = inbox
    self.loop = loop
    self.sink = sink
    var settings = options.client
    if !options.username.isEmpty || !options.password.isEmpty {
      settings.credentials = .basic(user: .text(options.username), password: .text(options.password))
    }
    var limits = HTTPClientOptions()
    limits.userAgent = surroundings.userAgent
    limits.totalMillisecondsMax = ConsulRequests.exchangeMillisecondsMax
    client = OutboundClient(settings, options: limits)
    requests = ConsulRequests(options)
    metrics = ConsulMetrics(surroundings)
    course = ConsulCourse(options)
  }

  private var now: Int64 { surroundings.clock.monotonicNanoseconds() / 1_000_000 }

  mutating func run() {
    while true {
      for (query, index, number) in course.takeDue(now) { start(query, index, number) }
      let deadline = course.next.map { Deadline(milliseconds: max(0, $0 - now), of: surroundings.clock) } ?? .never
      let messages = inbox.wait(until: deadline) { inbox -> [ConsulDiscovery.Message]?? in
        if inbox.isStopping { return .some(nil) }
        if inbox.messages.isEmpty { return nil }
        defer { inbox.messages = [] }
        return .some(inbox.messages)
      }
      // No message until the deadline is no end.
      guard let messages = messages ?? .some([]) else { return }
      for message in messages {
        switch message {
        case .task(let task): task()
        case .answer(let query, let number, let seconds, let result):
          if course.isCurrent(query, number) { take(query, seconds, result) }
        }
      }
    }
  }

  private func start(_ query: ConsulCourse.Query, _ index: UInt64, _ number: Int) {
    let request =
      switch query {
      case .agent: requests.agent
      case .catalog: requests.catalog(index: index)
      case .service(let name): requests.service(name, index: index)
      }
    let (inbox, clock) = (inbox, surroundings.clock)
    let began = clock.monotonicNanoseconds()
    let tell: @Sendable (ConsulDiscovery.Message) -> Void = { message in
      inbox.withLock { $0.messages.append(message) }
      inbox.wakeAll()
    }
    client.start(
      request, on: loop,
      prepareOn: { task in
        tell(.task(task))
        return true
      },
      then: { result in
        let seconds = Double(clock.monotonicNanoseconds() - began) * 1e-9
        tell(.answer(query, number: number, seconds: max(0, seconds), result))
      })
  }

  private mutating func take(
    _ query: ConsulCourse.Query, _ seconds: Double, _ result: Result<ClientResponse, HTTPClientError>
  ) {
    switch query {
    case .agent: break
    case .catalog: metrics.services.observe(seconds)
    case .service: metrics.service.observe(seconds)
    }
    do throws(DiscoveryError) {
      try read(query, result)
      told[query] = nil
    } catch {
      metrics.failures.add()
      course.failed(query, now)
      if told[query] == error.description { return }
      told[query] = error.description
      switch query {
      case .agent: surroundings.log.error("Error retrieving datacenter name", ["err": "\(error)"])
      case .catalog: surroundings.log.error("Error refreshing service list", ["err": "\(error)"])
      case .service(let name):
        surroundings.log.error("Error refreshing service", ["service": name, "err": "\(error)"])
      }
    }
  }

  private mutating func read(
    _ query: ConsulCourse.Query, _ result: Result<ClientResponse, HTTPClientError>
  ) throws(DiscoveryError) {
    let response: ClientResponse
    switch result {
    case .success(let answer): response = answer
    case .failure(let error): throw DiscoveryError("\(error)")
    }
    if response.status != 200 {
      let reason = String(decoding: response.body.prefix(200), as: UTF8.self)
      throw DiscoveryError("Unexpected response code: \(response.status) (\(reason))")
    }
    if query == .agent {
      guard let datacenter = ConsulAnswer.datacenter(response.body) else {
        throw DiscoveryError("the agent does not say its datacenter (Config.Datacenter)")
      }
      return course.found(datacenter: datacenter, now)
    }
    guard let index = response.header("x-consul-index").flatMap({ UInt64($0) }) else {
      throw DiscoveryError("Failed to parse X-Consul-Index")
    }
    guard case .service(let name) = query else {
      guard let services = ConsulAnswer.services(response.body) else {
        throw DiscoveryError("the list of services is not JSON")
      }
      for group in course.found(services: services, index: index, now) {
        told[.service(group.source)] = nil
        sink.update(group)
      }
      if course.leftOut > 0 {
        surroundings.log.error(
          "Consul discovery leaves services out: there are more than \(ConsulCourse.servicesMax)",
          ["services": String(course.leftOut)])
      }
      return
    }
    let group = ConsulAnswer.group(
      response.body, service: name, datacenter: course.datacenter, tagSeparator: options.tagSeparator)
    guard let group else { throw DiscoveryError("the instances of the service are not JSON") }
    if course.found(service: name, index: index, now) { sink.update(group) }
  }
}
