import Model
import Format
import Glibc
import Platform

@testable import API
@testable import HTTP

// Requests: heads as our own code takes them apart, each endpoint of the API called with them, and a real server on a real
// socket. An input is a request as text: method and target, headers, an empty line, the body.
extension FuzzTarget {
  static let http = [requestHead, api, httpConnection]

  private static let requestHead = FuzzTarget(name: "request-head", seeds: { APIRequests.seeds }) { bytes in
    let request = Request(pool: BodyPool(bytesMax: 1 << 24))
    guard APIRequests.read(bytes, into: request) else { return }
    for segment in request.head.segments { precondition(!request.head[segment].isEmpty) }
    precondition(request.head.segments.count <= RequestHead.segmentsMax + 1)
    _ = (request.path, request.headers.count, request.header("x-a"), request.header(named: "x-b"))
    let isAccepted = request.header("accept-encoding", hasToken: "gzip")
    precondition(!isAccepted || request.header("accept-encoding") != nil)
    let parameters = request.parameters
    for (name, value) in parameters {
      precondition(request.hasParameter(name) || !isText(name), "the parameter \(name) is not found again")
      let values = request.parameterValues(name)
      precondition(!isText(name) || values.contains(value), "the parameter \(name) has other values")
      precondition(values.first == request.parameter(name))
    }
    compareDecoders(request.rawQuery)
    _ = API.EscapedName.unescaped(Array(request.rawPath))
    checkNegotiation(request)
  }

  /// Bytes that are no UTF-8 read as replacements, which are found under no name.
  private static func isText(_ text: String) -> Bool { !text.unicodeScalars.contains("\u{fffd}") }

  /// The text, and the comparison that makes none.
  private static func compareDecoders(_ raw: UnsafeRawBufferPointer) {
    guard PercentDecoding.isWellFormed(raw) else { return }
    var decoded: [UInt8] = []
    PercentDecoding.decode(raw, plusIsSpace: true) { decoded.append($0) }
    precondition(decoded.count <= raw.count)
    precondition(decoded.withUnsafeBytes { PercentDecoding.equals(raw, $0, plusIsSpace: true) })
    precondition(PercentDecoding.text(raw, plusIsSpace: true) == String(decoding: decoded, as: UTF8.self))
    if !decoded.isEmpty {
      decoded[0] ^= 1
      precondition(!decoded.withUnsafeBytes { PercentDecoding.equals(raw, $0, plusIsSpace: true) })
    }
  }

  private static func checkNegotiation(_ request: Request) {
    let type = request.header("content-type") ?? ""
    _ = (WriteNegotiation.message(ofType: type), OTLPEndpoint.encoding(ofType: type))
    let encoding = request.header("content-encoding") ?? ""
    _ = (WriteNegotiation.encoding(encoding, of: LentBytes(request.body)), OTLPEndpoint.compression(encoding))
  }

  // MARK: every endpoint

  private static let api = FuzzTarget(name: "api", seeds: { APIRequests.seeds }) { bytes in
    guard bytes.count <= 4096 else { return }
    let server = APIServer.current
    let request = Request(pool: BodyPool(bytesMax: 1 << 24))
    guard APIRequests.read(bytes, into: request) else { return }
    let response: Response
    switch server.router.resolve(request) {
    case .refused(let refusal): response = refusal
    case .route(let route):
      request.route = route
      guard request.isFormWellFormed else { return }
      response = route.handler(request)
    }
    check(response, to: request)
    APIServer.countDown()
  }

  private static func check(_ response: Response, to request: Request) {
    // As in Prometheus, deleting series there is told to be missing.
    let isKnown = response.status != 500 || (request.method == .delete && request.path.hasSuffix("/api/v1/series"))
    precondition((200...599).contains(response.status) && isKnown, "\(request.path): \(response.status)")
    for (name, value) in response.headers {
      let isLine = (name + value).utf8.allSatisfy { $0 != 10 && $0 != 13 && $0 != 0 }
      precondition(isLine, "the header \(name) of an answer has a line of its own")
    }
    let isJSON = response.contentType?.text.withUTF8Buffer { String(decoding: $0, as: UTF8.self) } == "application/json"
    // Nothing, too, where the answer is longer.
    guard let body = try? response.wholeBody(for: request, bytesMax: bodyBytesMax) else { return }
    if isJSON && !body.isEmpty {
      precondition(body.lend { JSONDocument($0) } != nil, "\(request.path): an answer that is no JSON")
    }
  }

  /// Answers longer than this are not read to their end.
  private static var bodyBytesMax: Int { 1 << 20 }

  // MARK: a connection

  /// The bytes as they are, on a socket; the server is well afterwards.
  private static let httpConnection = FuzzTarget(
    name: "http-connection",
    seeds: { APIRequests.seeds.map { APIRequests.wire($0) } + [Array("GET / HTTP/1.0\r\n\r\n".utf8)] }
  ) { bytes in
    let server = LiveServer.current
    let answer = server.exchange(bytes)
    if !answer.isEmpty { precondition(answer.starts(with: "HTTP/1.".utf8), "an answer that is none") }
    let health = Array("GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8)
    let well = health.withUnsafeBytes { server.exchange($0) }
    precondition(well.starts(with: "HTTP/1.1 200".utf8), "the server is not well afterwards")
  }
}

/// A server on a port of its own. The driver's thread.
private final class LiveServer {
  nonisolated(unsafe) static let current = LiveServer()
  private let server: HTTPServer

  private init() {
    var options = HTTPServerOptions()
    options.listenAddress = "127.0.0.1:0"
    options.threadCount = 1
    server = HTTPServer(options: options, log: .silent, metrics: MetricsRegistry(), router: APIServer.current.router)
    do {
      try server.start()
    } catch {
      preconditionFailure("no server: \(error)")
    }
  }

  /// Sends all, then no more, and reads to the end.
  func exchange(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    // The port must be free again at once: the connection ends without a goodbye.
    var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(server.port)).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    precondition(connected == 0, "the server takes no connection")
    _ = send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    shutdown(socket, Int32(SHUT_WR))
    var answer: [UInt8] = []
    withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
      while true {
        let count = recv(socket, buffer.baseAddress, buffer.count, 0)
        if count <= 0 { break }
        if answer.count < 1 << 16 { answer += buffer[..<count] }
      }
    }
    return answer
  }
}
