import CShims
import Synchronization

/// Sends requests and waits for their answers, over libcurl. Any thread; each exchange takes one of the pooled
/// handles, which keep their connections for the next exchange.
package final class HTTPClient: Sendable {
  /// libcurl's process-wide state, made once.
  private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  package let options: HTTPClientOptions
  private let idle = Mutex<[CurlHandle]>([])

  package init(options: HTTPClientOptions = HTTPClientOptions()) { self.options = options }

  /// The answer, of any status. `isCancelled` is asked about once a second and at each piece of the answer.
  package func send(
    _ request: ClientRequest, isCancelled: (() -> Bool)? = nil
  ) throws(HTTPClientError) -> ClientResponse {
    guard Self.isLibraryReady, let handle = idle.withLock({ $0.popLast() }) ?? CurlHandle() else {
      throw .failed("out of memory")
    }
    defer {
      handle.reset()
      idle.withLock { if $0.count < options.idleConnectionsMax { $0.append(handle) } }
    }
    return try withoutActuallyEscaping(isCancelled ?? { false }) { (isCancelled) throws(HTTPClientError) in
      let exchange = CurlExchange(request, options, isCancelled: isCancelled)
      return try exchange.perform(handle)
    }
  }

  /// Closes the connections that wait; those under way are not touched.
  package func closeIdle() { idle.withLock { $0.removeAll() } }
}

/// One easy handle of libcurl with the connections it keeps. One owner at a time.
final class CurlHandle: @unchecked Sendable {
  let easy: UnsafeMutableRawPointer

  /// Nil when the system has no memory.
  init?() {
    guard let easy = curl_easy_init() else { return nil }
    self.easy = easy
  }

  deinit { curl_easy_cleanup(easy) }

  /// Forgets the exchange, keeps the connections.
  func reset() { curl_easy_reset(easy) }
}
