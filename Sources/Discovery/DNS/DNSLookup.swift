import Platform

/// The search for the records of one name: its completions in order, of each one server after the other, until one of them
/// gives an answer that counts. One thread at a time.
final class DNSLookup {
  /// An answer that there are no such records, or no such name, is one without records.
  enum Outcome: Sendable, Equatable {
    case records([DNSMessage.Record])
    case failed(DiscoveryError)
  }

  let name: String
  private let type: DNSMessage.RecordType
  private let servers: [String]
  private let port: UInt16
  private let candidates: [String]
  private let log: Log
  private let clock: any Clock
  private var candidate = 0
  private var server = 0
  /// Once an answer was cut, a name is asked for over TCP.
  private var isStream = false
  private var hasExtension = true
  private var isAllDenied = true
  private(set) var exchange: DNSExchange?
  private(set) var outcome: Outcome?

  init(
    _ name: String, _ type: DNSMessage.RecordType, _ configuration: ResolverConfiguration, port: UInt16, log: Log,
    clock: any Clock
  ) {
    self.name = name
    self.type = type
    servers = configuration.servers
    candidates = configuration.candidates(name)
    self.port = port
    self.log = log
    self.clock = clock
  }

  /// Begins the first exchange, or ends at once.
  func begin() { ask() }

  /// Goes on: the exchange's socket is ready, or its time may be over.
  func step(isReady: Bool) {
    guard let exchange else { return }
    do throws(DNSExchange.ExchangeError) {
      if isReady, let response = try exchange.step() { return take(response) }
      if exchange.deadline.isPassed { throw DNSExchange.ExchangeError("no answer in time") }
    } catch { giveUpServer(error.description) }
  }

  private func ask() {
    exchange = nil
    while outcome == nil {
      guard candidate < candidates.count else { return conclude() }
      guard server < servers.count else {
        isAllDenied = false
        nextCandidate()
        continue
      }
      do throws(DNSExchange.ExchangeError) {
        guard let wire = DNSName.wire(candidates[candidate]) else {
          throw DNSExchange.ExchangeError("it is no name of the domain name system")
        }
        exchange = try DNSExchange(
          server: servers[server], port: port, wire, type, isStream: isStream,
          hasExtension: hasExtension && !isStream, clock: clock)
        return
      } catch {
        warn(error.description)
        server += 1
      }
    }
  }

  private func take(_ response: DNSMessage.Response) {
    if response.isTruncated {
      if isStream { return giveUpServer("got truncated message on TCP (64kiB limit exceeded?)") }
      isStream = true
      return ask()
    }
    switch response.code {
    case 0:
      exchange = nil
      outcome = .records(response.records)
    case 3:
      nextCandidate()
      ask()
    default:
      // FORMERR or NOTIMP: an old server that cannot read the extension is asked without it, once.
      if hasExtension, !isStream, [1, 4].contains(response.code) {
        hasExtension = false
        return ask()
      }
      giveUpServer("the server answers with \(DNSLookup.codeName(response.code))", isLogged: false)
    }
  }

  private func giveUpServer(_ reason: String, isLogged: Bool = true) {
    if isLogged { warn(reason) } else { log.debug("DNS resolution failed", fields(reason)) }
    server += 1
    hasExtension = true
    ask()
  }

  private func nextCandidate() {
    candidate += 1
    server = 0
    isStream = false
    hasExtension = true
  }

  private func conclude() {
    outcome =
      isAllDenied
      ? .records([])
      : .failed(
        DiscoveryError(
          "could not resolve \"\(name)\": all servers responded with errors to at least one search domain"))
  }

  private func fields(_ reason: String) -> Log.Fields {
    ["server": servers[server], "name": candidates[candidate], "err": reason]
  }

  private func warn(_ reason: String) { log.warn("DNS resolution failed", fields(reason)) }

  private static func codeName(_ code: Int) -> String {
    switch code {
    case 1: "FORMERR"
    case 2: "SERVFAIL"
    case 4: "NOTIMP"
    case 5: "REFUSED"
    case 9: "NOTAUTH"
    case 16: "BADVERS"
    default: "code \(code)"
    }
  }
}
