import CShims
import Glibc
import Platform

/// One request and its answer, over redirects. `begin` prepares a handle for the next hop, somebody has libcurl perform
/// it, `finish` looks at what came. It outlives what it gives the handle: libcurl's callbacks get it unretained.
/// Not thread-safe; one owner at a time.
final class CurlExchange: @unchecked Sendable {
  enum Step {
    /// A redirect: begin once more.
    case again
    case done(Result<ClientResponse, HTTPClientError>)
  }

  /// Takes pieces of a good answer; false ends the exchange.
  typealias Take = (UnsafeRawBufferPointer) -> Bool

  let request: ClientRequest
  let options: HTTPClientOptions
  let responseBytesMax: Int
  let message: UnsafeMutablePointer<CChar>
  var chain: RedirectChain
  var answer = CurlAnswer()
  private let isCancelled: (() -> Bool)?
  private let take: Take?
  private let body: UnsafeMutableRawBufferPointer?
  private var lists: [UnsafeMutablePointer<curl_slist>] = []
  private var deadlineNanoseconds: Int64

  /// With `take` the body of a good answer is handed on instead of kept, and not bounded in all.
  init(
    _ request: ClientRequest, _ options: HTTPClientOptions, isCancelled: (() -> Bool)? = nil, take: Take? = nil
  ) {
    self.request = request
    self.options = options
    self.isCancelled = isCancelled
    self.take = take
    responseBytesMax = min(options.responseBytesMax, request.responseBytesMax ?? Int.max)
    chain = RedirectChain(request)
    let total =
      take == nil
      ? min(options.totalMillisecondsMax, request.totalMillisecondsMax ?? Int.max)
      : request.totalMillisecondsMax ?? Self.streamMillisecondsMax
    deadlineNanoseconds = Self.now() + Int64(clamping: min(total, Self.streamMillisecondsMax * 24)) * 1_000_000
    message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    // Without a body libcurl would read one from standard input.
    let isBodyExpected = ["POST", "PUT", "PATCH"].contains(request.method)
    if let bytes = request.body ?? (isBodyExpected ? [] : nil) {
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
      copy.copyBytes(from: bytes)
      body = copy
    } else {
      body = nil
    }
  }

  deinit {
    freeLists()
    message.deallocate()
    body?.deallocate()
  }

  /// A stream whose request names no limit.
  private static let streamMillisecondsMax = 3_600_000

  private static func now() -> Int64 { SystemClock().monotonicNanoseconds() }

  var remainingMilliseconds: Int { Int(max(0, deadlineNanoseconds - Self.now()) / 1_000_000) }

  /// Sets everything for the next hop on a handle that was reset.
  func begin(_ handle: CurlHandle) throws(HTTPClientError) {
    try check()
    freeLists()
    answer = CurlAnswer()
    message.pointee = 0
    let remaining = remainingMilliseconds
    if remaining == 0 { throw .timedOut }
    guard let parts = URLParts(chain.url) else { throw .invalidRequest("parse \"\(chain.url)\": invalid URL") }
    setCommon(handle.easy)
    setLimits(handle.easy, remaining)
    try setAddress(handle.easy, parts)
    if parts.scheme == "https" || options.proxy.url(chain.url) != nil { setTLS(handle.easy) }
    setHeaders(handle.easy, parts)
    setMethod(handle.easy)
  }

  /// Looks at the answer of a hop.
  func finish(_ handle: CurlHandle, _ code: CURLcode) -> Step {
    let breaksOff = answer.endUnpacking()
    if code == CURLE_COULDNT_CONNECT, let fault = answer.fault { return .done(.failure(fault)) }
    if code != CURLE_OK && !answer.isCut {
      return .done(.failure(error(code, handle.easy)))
    }
    if let fault = answer.fault { return .done(.failure(fault)) }
    if breaksOff { return .done(.failure(.answerCut)) }
    if case .followed(let max) = options.redirects {
      switch chain.take(status: answer.status, location: answer.header("location"), max: max) {
      case .arrived: break
      case .again: return .again
      case .tooMany: return .done(.failure(onTheWay(.tooManyRedirects(max: max))))
      case .unreadable(let location):
        return .done(.failure(onTheWay(.failed("failed to parse Location header \"\(location)\""))))
      }
    }
    let response = ClientResponse(
      status: answer.status, statusText: answer.statusText, headers: answer.headers, body: answer.body)
    return .done(.success(response))
  }

  /// An error about the address that the last redirect led to.
  func onTheWay(_ error: HTTPClientError) -> HTTPClientError {
    if chain.count == 0 { return error }
    return .redirected(method: chain.method, url: chain.url, error)
  }

  /// Refuses what libcurl would put on the wire as it is.
  private func check() throws(HTTPClientError) {
    guard chain.url.hasPrefix("http://") || chain.url.hasPrefix("https://") else {
      let scheme = chain.url.firstRange(of: "://").map { String(chain.url[..<$0.lowerBound]) } ?? ""
      throw .invalidRequest("unsupported protocol scheme \"\(scheme)\"")
    }
    let texts = [chain.method] + chain.headers.flatMap { [$0.name, $0.value] }
    for text in texts where text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
      throw .invalidRequest("a control character in the method or a header")
    }
  }

  private func setMethod(_ easy: UnsafeMutableRawPointer) {
    if chain.method == "HEAD" {
      apus_curl_set_long(easy, CURLOPT_NOBODY, 1)
      return
    }
    if let body, chain.count == 0 || chain.sendsBody {
      apus_curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int64(request.body?.count ?? 0))
      // Lent, not copied: it lives as long as the exchange.
      apus_curl_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress)
    }
    apus_curl_set_pointer(easy, CURLOPT_CUSTOMREQUEST, chain.method)
  }

  /// A list for libcurl that lives as long as this hop.
  func list(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines { list = curl_slist_append(list, line) ?? list }
    if let list { lists.append(list) }
    return list
  }

  private func freeLists() {
    for list in lists { curl_slist_free_all(list) }
    lists.removeAll()
  }

  // MARK: Callbacks

  /// False ends the exchange.
  fileprivate func takeBody(_ piece: UnsafeRawBufferPointer) -> Bool {
    guard let gunzip = answer.unpacking() else { return keep(piece) }
    switch gunzip.take(piece, keep) {
    case .ok: return true
    case .stopped: return false
    case .corrupt:
      answer.fault = .failed("gzip: invalid header or data")
      return false
    case .bomb:
      answer.fault = .failed("the answer unpacks to more than \(Gunzip.ratioMax) times its size")
      return false
    }
  }

  private func keep(_ piece: UnsafeRawBufferPointer) -> Bool {
    let isGood = 200..<300 ~= answer.status
    if isGood, let take {
      if take(piece) { return true }
      answer.isCut = true
      return false
    }
    if answer.body.count + piece.count > responseBytesMax {
      // What is wrong is the status; the rest of the text about it is of no use.
      if isGood { answer.fault = .responseTooLarge(bytesMax: responseBytesMax) } else { answer.isCut = true }
      if !isGood { answer.body.append(contentsOf: piece.prefix(responseBytesMax - answer.body.count)) }
      return false
    }
    if let takesBytes = request.takesBytes, !takesBytes(piece.count) {
      answer.fault = .noRoom
      return false
    }
    if isGood && answer.body.isEmpty { answer.body.reserveCapacity(min(request.responseBytesLikely, responseBytesMax)) }
    answer.body.append(contentsOf: piece)
    return true
  }

  fileprivate func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    if answer.takeHeader(line, bytesMax: options.responseHeaderBytesMax) { return true }
    answer.fault = .headersTooLarge(bytesMax: options.responseHeaderBytesMax)
    return false
  }

  fileprivate func shouldStop() -> Bool { isCancelled?() ?? false }

  /// Notes where libcurl connects to. The first address is what errors name, as with Go's client. False where the exchange
  /// may not go there.
  fileprivate func noteAddress(_ address: UnsafePointer<sockaddr>) -> Bool {
    let peer = PeerAddress(address)
    if answer.address == nil { answer.address = peer?.text }
    guard options.reach != .everything, let host = peer?.host, let found = IPAddress(host) else { return true }
    if options.reach.allows(found) { return true }
    answer.fault = .invalidRequest("\(host) is a private address, and may not be connected to")
    return false
  }

  var asksForCancellation: Bool { isCancelled != nil }
}

func bodyArrived(
  bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
  guard let context else { return 0 }
  let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
  let total = size * count
  return exchange.takeBody(UnsafeRawBufferPointer(start: bytes, count: total)) ? total : -1
}

func headerArrived(
  bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
  guard let context else { return 0 }
  let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
  let total = size * count
  return exchange.takeHeader(UnsafeRawBufferPointer(start: bytes, count: total)) ? total : -1
}

func progressed(
  context: UnsafeMutableRawPointer?, downTotal: Int, down: Int, upTotal: Int, up: Int
) -> Int32 {
  guard let context else { return 1 }
  return Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue().shouldStop() ? 1 : 0
}

func socketWanted(
  context: UnsafeMutableRawPointer?, purpose: curlsocktype, address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
  guard let context, let address else { return -1 }
  let isAllowed = withUnsafePointer(to: &address.pointee.addr) {
    Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue().noteAddress($0)
  }
  if !isAllowed { return -1 }
  // No child inherits it.
  return socket(
    address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
}
