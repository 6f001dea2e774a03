/// The settings of a server: its address and every limit, with its unit in its name.
package struct HTTPServerOptions: Sendable {
  /// `host:port`, `:port` (every address) or `[v6]:port`; port 0 lets the system choose.
  package var listenAddress = "0.0.0.0:9090"
  /// A socket bound before; then `listenAddress` is only its name.
  package var socket: BoundSocket?
  /// Threads that poll connections and run inline handlers; 0 is one for each core.
  package var threadCount = 0
  /// The certificates; nil: connections are not encrypted.
  package var tls: (any TLSServerProvider)?

  /// Nil: everybody may ask for everything.
  package var requestGuard: (any RequestGuard)?
  /// Headers of every answer but those with the status 429 or 500; nil: none.
  package var answerHeaders: (@Sendable () -> [(name: String, value: String)])?

  /// Request line and headers of one request. Past it: 431.
  package var headerBytesMax = 16 * 1024
  /// Body of one request, as sent. Past it: 413.
  package var bodyBytesMax = 32 * 1024 * 1024
  /// Bodies held in memory over all connections. Past it: 503.
  package var bodiesInFlightBytesMax = 128 * 1024 * 1024
  /// A refused body is read and dropped up to this size, so that the sender reads the refusal; past it the
  /// connection is closed at once.
  package var discardBytesMax = 64 * 1024 * 1024

  /// Open connections. Past it: see `ConnectionLimits`.
  package var connectionsMax = 1024
  /// Open connections of one address; 0 is no limit. Past it: 503, closed.
  package var connectionsPerAddressMax = 0
  /// Connections past `connectionsMax` that are served on routes for operators.
  package var connectionsReservedMax = 32
  /// A connection on which nothing moves is closed after it.
  package var idleTimeoutSeconds = 300
  /// From the first byte of a request's headers, or from the connection's start, to their end. Past it: 408, closed.
  package var headerMillisecondsMax = 10_000
  /// From the end of the headers to the end of the body. Past it: 408, closed.
  package var bodyMillisecondsMax = 60_000

  /// Answers at least this large are compressed for clients that take gzip.
  package var gzipBytesMin = 1024
  /// Bytes that an answer in pieces may be ahead of its client, and a piece.
  package var streamBytesMax = 256 * 1024
  /// Memory that all answers hold while they wait for their clients. Past it further ones wait, and clients that do not
  /// read are cut after `pressedStallMillisecondsMax`.
  package var answersBytesMax = 256 * 1024 * 1024
  /// How long a client may take nothing of an answer before it is cut.
  package var stallMillisecondsMax = 15_000
  /// The same while other answers wait for memory.
  package var pressedStallMillisecondsMax = 1_000
  /// Threads that make the pieces of answers whose first pieces their clients have taken.
  package var answerThreadCount = 2
  /// Seconds that a refused client is told to wait.
  package var retryAfterSeconds = 5
  /// The answer to a request for which there is no room in a queue.
  package var busyResponse = Response.text(503, "too many queued requests")

  /// Called when queued work has ended, and when a large answer has left: memory may have become free.
  package var memoryFreed: @Sendable () -> Void = {}

  package init() {}
}

package enum HTTPServerError: Error, Equatable, CustomStringConvertible {
  case invalidAddress(String)
  case cannotListen(address: String, reason: String)
  case cannotStart(reason: String)
  case notStartable

  package var description: String {
    switch self {
    case .invalidAddress(let text):
      "listen address \"\(text)\": expected host:port, :port or [v6]:port with a port from 0 to 65535"
    case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
    case .cannotStart(let reason): "cannot start the HTTP server: \(reason)"
    case .notStartable: "the HTTP server was already started"
    }
  }
}
