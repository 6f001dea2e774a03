import Platform
import Synchronization

/// The parts that all discoveries of one server share: the watch of directories and its like. Each part is made when the first one needs it.
final class DiscoveryShared: Sendable {
  private struct State: Sendable {
    var times: FileTimes?
  }

  let watch = DirectoryWatch()
  private let state = Mutex(State())

  init() {}

  func fileTimes(_ registry: MetricsRegistry) -> FileTimes {
    state.withLock { state in
      if let times = state.times { return times }
      let times = FileTimes(registry)
      state.times = times
      return times
    }
  }
}
