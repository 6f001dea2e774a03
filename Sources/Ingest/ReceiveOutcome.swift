/// The outcome of one remote-write body. The HTTP surface turns it into a status.
package enum ReceiveOutcome: Sendable, Equatable {
  /// Everything is stored (or was there already) and in the log.
  case stored
  /// The valid part is stored; the message names the first refusals.
  case partly(message: String)
  /// Nothing is stored, and nothing is wrong: every row is of a replica whose cluster another replica leads. The answer
  /// tells the sender these counts as written.
  case refusedReplica(message: String, ReceivedCounts)
  /// The body is not what it says it is; nothing was stored.
  case malformed(message: String)
  /// Decompressed it would be larger than the limit; nothing was stored.
  case tooLarge(message: String)
  /// More samples than the workspace may send; nothing was stored, and the same body may come again.
  case limited(message: String, retryAfterSeconds: Int)
  /// The receiver acknowledges nothing; the sender should try the same body again.
  case unavailable(message: String, retryAfterSeconds: Int)

  /// The message for people about what went wrong; nil where nothing did.
  var fault: String? {
    switch self {
    case .stored, .refusedReplica: nil
    case .partly(let message), .malformed(let message), .tooLarge(let message), .limited(let message, _),
      .unavailable(let message, _):
      message
    }
  }
}

/// The encodings a body may have.
package enum BodyEncoding: Sendable, Equatable {
  case snappy, zstd, gzip, identity

  var name: String {
    switch self {
    case .snappy: "snappy"
    case .zstd: "zstd"
    case .gzip: "gzip"
    case .identity: "without compression"
    }
  }
}

/// The messages a body may be: that of remote write 1.0, or of 2.0.
package enum WriteMessage: Sendable, Equatable {
  case v1, v2
}

/// Encoding and message of a body.
package struct BodyForm: Sendable, Equatable {
  var encoding: BodyEncoding
  var message: WriteMessage
}

/// How much of a body is stored, duplicates of stored samples included: the counts that the answer tells a sender of
/// 2.0.
package struct WrittenCounts: Sendable, Equatable {
  package var samples = 0
  package var histograms = 0
  package var exemplars = 0
  /// Samples and histograms that were refused.
  package var refused = 0

  package init(samples: Int = 0, histograms: Int = 0, exemplars: Int = 0, refused: Int = 0) {
    self.samples = samples
    self.histograms = histograms
    self.exemplars = exemplars
    self.refused = refused
  }

  /// Adds samples that need not be stored as if they were: their sender would take them for lost.
  mutating func add(_ received: ReceivedCounts) {
    samples += received.samples
    histograms += received.histograms
    exemplars += received.exemplars
  }
}
