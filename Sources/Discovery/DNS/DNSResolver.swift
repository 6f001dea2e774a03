import Platform

/// Asks the name servers of resolv.conf, which is read at each lookup. Any thread.
struct DNSResolver: Sendable {
  /// Names asked for at once.
  static let lookupsMax = 64
  /// How often is looked whether somebody still wants the answers.
  private static let pauseMilliseconds = 100

  var configurationFile = "/etc/resolv.conf"
  var port: UInt16 = 53
  var clock: any Clock = SystemClock()

  /// The outcome for each name, in their order; nil for those that nobody wanted any more.
  func lookUp(
    _ names: [String], _ type: DNSMessage.RecordType, log: Log, isCancelled: () -> Bool
  ) -> [DNSLookup.Outcome?] {
    let configuration: ResolverConfiguration
    do throws(DiscoveryError) { configuration = try readConfiguration() } catch {
      return names.map { _ in .failed(error) }
    }
    let lookups = names.map { DNSLookup($0, type, configuration, port: port, log: log, clock: clock) }
    var waiting = lookups[...]
    var active: [DNSLookup] = []
    while !isCancelled() {
      while active.count < Self.lookupsMax, let next = waiting.popFirst() {
        next.begin()
        if next.outcome == nil { active.append(next) }
      }
      if active.isEmpty && waiting.isEmpty { break }
      step(active)
      active.removeAll { $0.outcome != nil }
    }
    return lookups.map(\.outcome)
  }

  private func step(_ active: [DNSLookup]) {
    var pause = Self.pauseMilliseconds
    var sockets: [(socket: ClientSocket, writes: Bool)] = []
    for case let exchange? in active.map(\.exchange) {
      sockets.append((exchange.socket, exchange.writes))
      pause = min(pause, Int(clamping: exchange.deadline.remainingNanoseconds / 1_000_000 + 1))
    }
    let ready = ClientSocket.wait(sockets, milliseconds: pause)
    for (lookup, isReady) in zip(active, ready) { lookup.step(isReady: isReady) }
  }

  private func readConfiguration() throws(DiscoveryError) -> ResolverConfiguration {
    do throws(DiskError) {
      let file = try LinuxDisk().open(configurationFile, .read)
      // Nothing was written that the close could fail to keep.
      defer { try? file.close() }
      let bytes = try file.bytes(ResolverConfiguration.bytesMax, at: 0)
      return ResolverConfiguration(String(decoding: bytes, as: UTF8.self))
    } catch { throw DiscoveryError("could not load resolv.conf: \(error)") }
  }
}
