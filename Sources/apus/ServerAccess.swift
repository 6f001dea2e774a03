import Format
import HTTP
import Model
import Platform

/// The URL of a server, and how a command connects and shows who it is.
struct ServerAccess: Equatable, Sendable {
  static let valuedFlags = [
    "header", "user", "password-file", "token-file", "ca", "cert", "key", "timeout",
  ]

  /// The server's URL without a slash at its end.
  var url: String
  var headers: [Header] = []
  var user: String?
  var passwordFile: String?
  var tokenFile: String?
  var authorityFile: String?
  var certificateFile: String?
  var keyFile: String?
  var isInsecure = false
  /// The time that a whole exchange may take.
  var timeoutMilliseconds = 3_600_000

  struct Header: Equatable, Sendable {
    var name: String
    var value: String
  }

  init(_ url: String) {
    var url = url.contains("://") ? url : "http://" + url
    while url.hasSuffix("/") { url.removeLast() }
    self.url = url
  }

  init(_ url: String, _ words: TSDBWords) throws(ArgumentError) {
    self.init(url)
    for text in words.all("header") {
      guard let colon = text.firstIndex(of: ":"), colon > text.startIndex else {
        throw ArgumentError("--header: \(quoted(text)) is not NAME: VALUE")
      }
      let value = text[text.index(after: colon)...].drop { $0 == " " }
      headers.append(Header(name: String(text[..<colon]), value: String(value)))
    }
    user = words.text("user")
    passwordFile = words.text("password-file")
    tokenFile = words.text("token-file")
    if (user == nil) != (passwordFile == nil) {
      throw ArgumentError(
        "--user and --password-file go together; a password on a command line would be seen by others")
    }
    if user != nil && tokenFile != nil { throw ArgumentError("--user and --token-file exclude each other") }
    authorityFile = words.text("ca")
    certificateFile = words.text("cert")
    keyFile = words.text("key")
    isInsecure = words.has("insecure")
    guard let text = words.text("timeout") else { return }
    guard let duration = DurationText.parse(text), duration > 0 else {
      throw ArgumentError("--timeout: \(quoted(text)) is no duration such as 30s or 1h")
    }
    timeoutMilliseconds = Int(clamping: duration)
  }

  /// The URL as it may be shown: without what stands before the host.
  var shownURL: String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let host = rest.prefix { $0 != "/" }
    guard let at = host.lastIndex(of: "@") else { return url }
    return String(url[..<scheme.upperBound]) + String(rest[rest.index(after: at)...])
  }

  /// Sends a request to a path of the server's.
  func send(_ method: String, _ path: String) throws(TSDBCommandError) -> ClientResponse {
    let request = try request(method, path)
    do throws(HTTPClientError) {
      return try exchange(request)
    } catch {
      throw .text(fault(error))
    }
  }

  /// Sends a form; nil where the answer is longer than that.
  func post(
    _ path: String, form: [(String, String)], answerBytesMax: Int
  ) throws(TSDBCommandError) -> ClientResponse? {
    var request = try request("POST", path)
    request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    let pairs = form.map { PercentText.encodeForm($0.0) + "=" + PercentText.encodeForm($0.1) }
    request.body = Array(pairs.joined(separator: "&").utf8)
    request.responseBytesMax = answerBytesMax
    do throws(HTTPClientError) {
      return try exchange(request)
    } catch {
      if case .responseTooLarge = error { return nil }
      throw .text(fault(error))
    }
  }

  private func exchange(_ request: ClientRequest) throws(HTTPClientError) -> ClientResponse {
    var options = HTTPClientOptions()
    options.totalMillisecondsMax = timeoutMilliseconds
    options.tls.authorityFile = authorityFile
    options.tls.certificateFile = certificateFile
    options.tls.keyFile = keyFile
    options.tls.isInsecure = isInsecure
    // A POST that is sent on elsewhere would be a question to somebody else.
    options.redirects = .returned
    return try HTTPClient(options: options).send(request)
  }

  private func request(_ method: String, _ path: String) throws(TSDBCommandError) -> ClientRequest {
    var request = ClientRequest(method: method, url: url + path)
    request.headers = headers.map { ($0.name, $0.value) }
    request.acceptsGzip = true
    if let user, let passwordFile {
      let pair = Array("\(user):\(try ServerAccess.secret(passwordFile))".utf8)
      request.headers.append(("Authorization", "Basic " + Base64.encode(pair)))
    } else if let tokenFile {
      request.headers.append(("Authorization", "Bearer " + (try ServerAccess.secret(tokenFile))))
    }
    return request
  }

  /// The text of a file without the line's end.
  private static func secret(_ file: String) throws(TSDBCommandError) -> String {
    let bytes = try TSDBCommandError.disk { () throws(DiskError) in try LinuxDisk().readFile(file) }
    var text = String(decoding: bytes, as: UTF8.self)
    while text.last?.isNewline == true { text.removeLast() }
    return text
  }

  private func fault(_ error: HTTPClientError) -> String {
    switch error {
    case .cannotConnect, .cannotResolve: "the server at \(shownURL) cannot be reached: \(error)"
    case .timedOut: "the server at \(shownURL) did not answer in time (--timeout): \(error)"
    case .tls: "no secure connection to \(shownURL): \(error) (--ca names the authority to trust)"
    default: "the request to \(shownURL) failed: \(error)"
    }
  }
}
