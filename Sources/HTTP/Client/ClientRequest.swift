/// One request to send.
package struct ClientRequest: Sendable {
  package var method: String
  package var url: String
  package var headers: [(name: String, value: String)]
  /// Headers that no other host may see: a redirect off the domain drops them.
  package var secretHeaders: [(name: String, value: String)] = []
  package var body: [UInt8]?
  /// Asks for gzip. An answer whose `Content-Encoding` is exactly `gzip` is unpacked, asked for or not.
  package var acceptsGzip = false
  /// The path of a socket that is connected to instead of the URL's host.
  package var unixSocket: String?
  /// Shorter than the client's, for this request.
  package var totalMillisecondsMax: Int?
  /// Smaller than the client's, for this request.
  package var responseBytesMax: Int?
  /// Asked before so many more bytes of the answer's body are held, on the thread of the exchange; false ends it (`noRoom`).
  package var takesBytes: (@Sendable (_ more: Int) -> Bool)?

  package init(
    method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// The answer of a server, whatever its status.
package struct ClientResponse: Sendable {
  package var status: Int
  /// The number and the reason, as the server gave them: `503 Service Unavailable`.
  package var statusText: String
  package var headers: [(name: String, value: String)]
  /// Unpacked. That of an error status is cut at the limit.
  package var body: [UInt8]

  package init(
    status: Int, statusText: String? = nil, headers: [(name: String, value: String)], body: [UInt8]
  ) {
    self.status = status
    self.statusText = statusText ?? String(status)
    self.headers = headers
    self.body = body
  }

  /// The first header of this name, in any case.
  package func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }
}
