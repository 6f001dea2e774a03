import HTTP
import Model

/// The moments at which a receiver that does not take alerts is tried again: further and further apart. A value.
struct RetryPace: Sendable, Equatable {
  static let pauseNanosecondsMin: Int64 = 1_000_000_000
  static let pauseNanosecondsMax: Int64 = 30_000_000_000

  /// The monotonic moment of the next attempt.
  private(set) var nextNanoseconds = Int64.min
  private var pauseNanoseconds = RetryPace.pauseNanosecondsMin

  /// An attempt failed now.
  mutating func failed(at nanoseconds: Int64) {
    nextNanoseconds = nanoseconds + pauseNanoseconds
    pauseNanoseconds = min(pauseNanoseconds * 2, Self.pauseNanosecondsMax)
  }

  mutating func succeeded() { self = RetryPace() }
}

/// The outcome of one request to a receiver.
enum PostOutcome: Sendable, Equatable {
  case delivered
  /// Trying again may help.
  case failed(String)
  /// The receiver does not take this content, and would not the next time.
  case refused(String)

  /// Statuses that are about the content.
  private static let refusals: Set<Int> = [400, 413, 415, 422]
  /// Bytes of an answer that are shown.
  private static let shownBytesMax = 256

  /// `url`: the address, for errors; nil where it is a secret.
  init(_ result: Result<ClientResponse, HTTPClientError>, to url: String? = nil) {
    switch result {
    case .failure(let error):
      self = .failed(url.map { error.text(of: ClientRequest(method: "POST", url: $0)) } ?? "\(error)")
    case .success(let answer):
      if answer.status / 100 == 2 {
        self = .delivered
        return
      }
      var text = "bad response status \(answer.statusText)"
      let said = String(decoding: answer.body.prefix(Self.shownBytesMax), as: UTF8.self)
        .split(whereSeparator: \.isNewline).joined(separator: " ")
      if !said.isEmpty { text += ": \(said)" }
      self = Self.refusals.contains(answer.status) ? .refused(text) : .failed(text)
    }
  }
}
