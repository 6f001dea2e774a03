/// How many connections there may be, and what becomes of those beyond. A plain value.
///
/// Up to `openMax` every connection is served. Past it, or past what one network may have, room is made first: of those
/// that have not sent a whole request yet the newest goes, of the network that has most; then the one that has been idle
/// for longest. Where nothing can go, `reservedMax` further connections are served for health and operators alone.
struct ConnectionLimits {
  /// A connection that has not sent a request is spared for as long, unless all are younger.
  static let silentMillisecondsMin: Int64 = 100
  /// A kept-alive connection makes room after it.
  static let idleMillisecondsMin: Int64 = 30_000
  /// Connections that were told to go and that the library has not closed yet, and those it does not know yet.
  private static let leavingMax = 1024

  let openMax: Int
  /// Of one network; 0 is no limit.
  let perNetworkMax: Int
  let reservedMax: Int

  init(_ options: HTTPServerOptions) {
    openMax = options.connectionsMax
    perNetworkMax = options.connectionsPerAddressMax
    reservedMax = options.connectionsReservedMax
  }

  /// Sockets past which none are accepted for a moment.
  var socketsMax: Int { openMax + reservedMax + Self.leavingMax }
}

/// Why a connection was closed before it was served: a closed set, counted per reason.
enum ConnectionRefusal: Int, CaseIterable {
  case address, total, system

  var label: String {
    switch self {
    case .address: "address"
    case .total: "total"
    case .system: "system"
    }
  }
}

/// Why an open connection had to go for a new one.
enum ConnectionEviction: Int, CaseIterable {
  case silent, idle

  var label: String {
    switch self {
    case .silent: "silent"
    case .idle: "idle"
    }
  }
}

/// The verdict about a new connection.
enum ConnectionVerdict {
  case admitted(evicting: ConnectionEviction?)
  case refused(ConnectionRefusal)
}
