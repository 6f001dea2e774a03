import API
import HTTP
import Ingest
import Platform
import Query
import Workspaces

/// The HTTP surface of a simulated server: the routes, handlers and bytes of the real one, without connections; requests run
/// on the caller's thread. One server's; any thread.
final class SimulatedSurface: Sendable {
  private let queries: QueryService
  private let router: Router

  init(_ workspaces: WorkspaceSet, clock: any Clock, registry: MetricsRegistry, processors: Int = 1) throws {
    var options = QueryOptions()
    options.concurrencyMax = 1
    // With more than one a query lends work to other threads, and is never the same again.
    options.processors = processors
    // Where the clock runs too fast, every query would be too late.
    options.timeoutMilliseconds = 1_000_000_000_000
    queries = try QueryService(options, clock: clock, registry: registry)
    let services = APIServices(
      workspaces: workspaces, registry: registry,
      lifecycle: LifecycleActions(isEnabled: false, reload: { nil }, quit: {}), isStopping: { false },
      version: BuildVersion(version: "", revision: "", branch: "", buildDate: "", compiler: ""), queries: queries,
      flags: [], configurationText: { "" })
    router = Routes.router(services)
  }

  deinit { queries.stop() }

  func get(_ path: String, _ parameters: [(name: String, value: String)]) -> ExchangedAnswer {
    let query = parameters.map { "\($0.name)=\(SimulatedSurface.escaped($0.value))" }.joined(separator: "&")
    return router.exchange(.get, path + "?" + query)
  }

  func post(_ path: String, _ headers: [(name: String, value: String)], _ body: [UInt8]) -> ExchangedAnswer {
    router.exchange(.post, path, headers: headers, body: body)
  }

  private static func escaped(_ text: String) -> String {
    text.utf8.reduce(into: "") { text, byte in
      let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
      if isPlain || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") {
        text.append(Character(UnicodeScalar(byte)))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        text += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
  }
}
