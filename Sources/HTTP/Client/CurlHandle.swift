import CShims

/// One easy handle of libcurl. One owner at a time.
final class CurlHandle: @unchecked Sendable {
  /// libcurl's process-wide state, made once.
  private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  let easy: UnsafeMutableRawPointer

  /// Nil when the system has no memory.
  init?() {
    guard Self.isLibraryReady, let easy = curl_easy_init() else { return nil }
    self.easy = easy
  }

  deinit { curl_easy_cleanup(easy) }

  /// Forgets the exchange, keeps the connections.
  func reset() { curl_easy_reset(easy) }
}
