// The types of sockets come with it: the headers it includes declare them too, and in an optimised build its declarations
// are the ones that count.
import CShims
import Glibc
import Platform

/// The socket a server listens on: from the text of an address to a bound descriptor. The caller closes it.
enum ListenSocket {
  /// Connections the system holds for us before they are accepted.
  private static let backlogConnections: Int32 = 1024

  /// Splits `host:port`; the host is empty for every address.
  static func split(_ text: String) throws(HTTPServerError) -> (host: String, port: UInt16) {
    guard let colon = text.lastIndex(of: ":") else { throw .invalidAddress(text) }
    let digits = text[text.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else {
      throw .invalidAddress(text)
    }
    var host = text[..<colon]
    if host.hasPrefix("[") {
      guard host.hasSuffix("]"), host.count > 2 else { throw .invalidAddress(text) }
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw .invalidAddress(text)
    }
    return (String(host), port)
  }

  /// A listening descriptor and its port.
  static func open(_ text: String) throws(HTTPServerError) -> (descriptor: Int32, port: Int) {
    let (host, port) = try split(text)
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    hints.ai_family = AF_UNSPEC
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
    guard code == 0, let first = list else {
      throw .cannotListen(address: text, reason: String(cString: gai_strerror(code)))
    }
    defer { freeaddrinfo(first) }
    var failure: Int32 = 0
    // Without a host the IPv6 socket comes first: it takes IPv4 clients as well.
    for family in host.isEmpty ? [AF_INET6, AF_INET] : [AF_UNSPEC] {
      var next: UnsafeMutablePointer<addrinfo>? = first
      while let candidate = next {
        next = candidate.pointee.ai_next
        if family != AF_UNSPEC && candidate.pointee.ai_family != family { continue }
        switch bound(candidate.pointee, everyAddress: host.isEmpty) {
        case .success(let descriptor):
          guard let port = boundPort(descriptor) else {
            let reason = errorText(errno)
            close(descriptor)
            throw .cannotListen(address: text, reason: reason)
          }
          return (descriptor, port)
        case .failure(let error): failure = error.code
        }
      }
      // A taken port is the answer; only a system without IPv6 tries on.
      if failure == EADDRINUSE || failure == EACCES { break }
    }
    throw .cannotListen(address: text, reason: errorText(failure))
  }

  private struct SystemError: Error, CustomStringConvertible {
    var code: Int32

    var description: String { errorText(code) }
  }

  private static func bound(_ address: addrinfo, everyAddress: Bool) -> Result<Int32, SystemError> {
    let kind = address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(address.ai_family, kind, address.ai_protocol)
    if descriptor < 0 { return .failure(SystemError(code: errno)) }
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    if address.ai_family == AF_INET6 {
      set(descriptor, Int32(IPPROTO_IPV6), Int32(IPV6_V6ONLY), everyAddress ? 0 : 1)
    }
    if bind(descriptor, address.ai_addr, address.ai_addrlen) != 0 || listen(descriptor, backlogConnections) != 0 {
      let code = errno
      close(descriptor)
      return .failure(SystemError(code: code))
    }
    return .success(descriptor)
  }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func boundPort(_ descriptor: Int32) -> Int? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard getsockname(descriptor, address, &length) == 0 else { return nil }
        return PeerAddress(address).map { Int($0.port) }
      }
    }
  }
}
