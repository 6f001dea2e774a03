/// What became of one remote-write body. The HTTP surface turns it into a status.
package enum ReceiveOutcome: Sendable, Equatable {
  /// Everything is stored (or was there already) and in the log.
  case stored
  /// The valid part is stored; the message names the first of what was refused.
  case partly(message: String)
  /// The body is not what it says it is; nothing was stored.
  case malformed(message: String)
  /// Decompressed it would be larger than the limit; nothing was stored.
  case tooLarge(message: String)
  /// Neither snappy nor zstd.
  case unsupportedEncoding(String)
  /// More samples than the workspace may send; nothing was stored, and the same body may come again.
  case limited(message: String, retryAfterSeconds: Int)
  /// Nothing is acknowledged; the sender should try the same body again.
  case unavailable(message: String, retryAfterSeconds: Int)
}

/// The encodings a body may have.
package enum BodyEncoding: Sendable, Equatable {
  case snappy, zstd, identity
}
