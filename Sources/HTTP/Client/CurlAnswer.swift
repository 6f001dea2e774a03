import CShims

/// The answer of one hop as it arrives.
struct CurlAnswer {
  private(set) var status = 0
  private(set) var statusText = ""
  private(set) var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []
  /// The body is not kept to its end, and that is no error.
  var isCut = false
  var fault: HTTPClientError?
  /// The first address that was tried.
  var address: String?
  private var gunzip: Gunzip?
  private var headerBytes = 0
  private var hasBegun = false

  func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

  /// The unpacker of the body; nil for one that is as it is.
  mutating func unpacking() -> Gunzip? {
    if !hasBegun && header("content-encoding") == "gzip" { gunzip = IdleUnpackers.shared.lend() }
    hasBegun = true
    return gunzip
  }

  /// Gives the unpacker back once the hop has ended; true if the body broke off within what is packed.
  mutating func endUnpacking() -> Bool {
    guard let ended = gunzip else { return false }
    gunzip = nil
    let isComplete = ended.isComplete
    IdleUnpackers.shared.take(ended)
    return !isComplete && !isCut
  }

  /// False past the limit.
  mutating func takeHeader(_ line: UnsafeRawBufferPointer, bytesMax: Int) -> Bool {
    headerBytes += line.count
    if headerBytes > bytesMax { return false }
    // A `100 Continue` on the way is forgotten when the answer begins.
    if line.starts(withASCII: "HTTP/") {
      headers.removeAll()
      takeStatus(line.string)
      return true
    }
    // What stands behind the body belongs to nobody.
    if hasBegun { return true }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return true }
    headers.append((line.part(0..<colon).string, Self.trimmed(line, from: colon + 1)))
    return true
  }

  private static func trimmed(_ line: UnsafeRawBufferPointer, from start: Int) -> String {
    var lower = start
    var upper = line.count
    while lower < upper, line[lower] <= 0x20 { lower += 1 }
    while upper > lower, line[upper - 1] <= 0x20 { upper -= 1 }
    return line.part(lower..<upper).string
  }

  private mutating func takeStatus(_ line: String) {
    let words = line.split(maxSplits: 1, omittingEmptySubsequences: true) { $0.isWhitespace }
    let rest = (words.count > 1 ? words[1] : "").prefix { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
    status = Int(rest.prefix(3)) ?? 0
    statusText = String(rest)
    while statusText.hasSuffix(" ") { statusText.removeLast() }
    // HTTP/2 sends no reason.
    if line.hasPrefix("HTTP/2"), let reason = MHD_get_reason_phrase_for(UInt32(clamping: status)) {
      statusText = "\(status) \(String(cString: reason))"
    }
  }
}
