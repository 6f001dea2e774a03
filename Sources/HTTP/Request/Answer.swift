import CShims
import Synchronization

/// The hand-over between a worker and the connection that waits, suspended, for its answer. Guarded by one mutex; the
/// connection is resumed exactly once for each time it was suspended, whoever answers first: worker, full queue or
/// the server shutting down. A suspended connection cannot go away, so the handle is valid as long as it is stored.
final class Answer: Sendable {
  private enum State: @unchecked Sendable {
    case none
    case suspended(OpaquePointer)
    case given(Response)
    /// Nobody waits any more.
    case taken
  }

  private let state = Mutex<State>(.none)

  init() {}

  func reset() { state.withLock { $0 = .none } }

  /// Called by the connection's thread, before the work is handed over.
  func suspend(_ connection: Connection) {
    state.withLock {
      MHD_suspend_connection(connection.handle)
      $0 = .suspended(connection.handle)
    }
  }

  /// Gives the response and wakes the connection; false when it was answered otherwise.
  func give(_ response: Response) -> Bool {
    state.withLock {
      guard case .suspended(let handle) = $0 else { return false }
      $0 = .given(response)
      MHD_resume_connection(handle)
      return true
    }
  }

  /// Called by the connection's thread when it runs again.
  func take() -> Response? {
    state.withLock {
      guard case .given(let response) = $0 else { return nil }
      $0 = .taken
      return response
    }
  }
}
