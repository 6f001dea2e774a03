import CShims
import Synchronization

/// Sends requests and waits for their answers, over libcurl. Any thread; each exchange takes one of the pooled
/// handles, which keep their connections for the next exchange.
package final class HTTPClient: Sendable {
  package let options: HTTPClientOptions
  private let idle = Mutex<[CurlHandle]>([])

  package init(options: HTTPClientOptions = HTTPClientOptions()) { self.options = options }

  /// The answer, of any status. `isCancelled` is asked about once a second and at each piece of the answer.
  package func send(
    _ request: ClientRequest, options: HTTPClientOptions? = nil, isCancelled: (() -> Bool)? = nil
  ) throws(HTTPClientError) -> ClientResponse {
    try withoutActuallyEscaping(isCancelled ?? { false }) { (isCancelled) throws(HTTPClientError) in
      try perform(CurlExchange(request, options ?? self.options, isCancelled: isCancelled))
    }
  }

  /// The same for long answers: the body of a good one is handed to `take` piece by piece as it arrives, until that
  /// says false. Bounded in time by the request alone (an hour if it says nothing), not in bytes.
  package func stream(
    _ request: ClientRequest, options: HTTPClientOptions? = nil, isCancelled: (() -> Bool)? = nil,
    take: (UnsafeRawBufferPointer) -> Bool
  ) throws(HTTPClientError) -> ClientResponse {
    try withoutActuallyEscaping(isCancelled ?? { false }) { (isCancelled) throws(HTTPClientError) in
      try withoutActuallyEscaping(take) { (take) throws(HTTPClientError) in
        try perform(CurlExchange(request, options ?? self.options, isCancelled: isCancelled, take: take))
      }
    }
  }

  private func perform(_ exchange: CurlExchange) throws(HTTPClientError) -> ClientResponse {
    guard let handle = idle.withLock({ $0.popLast() }) ?? CurlHandle() else { throw .failed("out of memory") }
    defer {
      // Forgets the exchange before that ends.
      withExtendedLifetime(exchange) { handle.reset() }
      idle.withLock { if $0.count < options.idleConnectionsMax { $0.append(handle) } }
    }
    while true {
      try exchange.begin(handle)
      // One connection a handle: idle handles are what is pooled.
      apus_curl_set_long(handle.easy, CURLOPT_MAXCONNECTS, 1)
      let code = curl_easy_perform(handle.easy)
      switch exchange.finish(handle, code) {
      case .again: handle.reset()
      case .done(let result): return try result.get()
      }
    }
  }

  /// Closes the connections that wait; those under way are not touched.
  package func closeIdle() { idle.withLock { $0.removeAll() } }
}
