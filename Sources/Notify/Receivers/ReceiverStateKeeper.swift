import Model
import Platform

/// Keeps the state file of all receivers up to date, one write at a time. Any thread.
final class ReceiverStateKeeper: Sendable {
  private struct State {
    var isChanged = false
    var isWriting = false
    var isRefused = false
  }

  private let file: ReceiverStateFile
  private let threads: NotifyThreads
  private let log: Log
  private let state = Monitor(State())

  init(_ file: ReceiverStateFile, _ threads: NotifyThreads, _ log: Log) {
    self.file = file
    self.threads = threads
    self.log = log
  }

  /// The groups that an earlier run has left.
  func read() -> ReceiverStateFile.Receivers { file.read(at: threads.clock.nowMilliseconds()) }

  /// Writes soon what `receivers` says then.
  func changed(_ receivers: @escaping @Sendable () -> ReceiverStateFile.Receivers) {
    let isFirst = state.withLock { state in
      state.isChanged = true
      defer { state.isWriting = true }
      return !state.isWriting
    }
    if !isFirst { return }
    let isTaken = threads.work { [self] in
      while state.withLock({ state in
        defer { (state.isChanged, state.isWriting) = (false, state.isChanged) }
        return state.isChanged
      }) { write(receivers()) }
    }
    // The next change, or the end, writes it.
    if !isTaken { state.withLock { $0.isWriting = false } }
  }

  /// Writes now.
  func write(_ receivers: ReceiverStateFile.Receivers) {
    do throws(DiskError) {
      try file.write(receivers, at: threads.clock.nowMilliseconds())
      state.withLock { $0.isRefused = false }
    } catch {
      let isNews = state.withLock { state in
        defer { state.isRefused = true }
        return !state.isRefused
      }
      if isNews {
        log.error(
          "What receivers were told of alerts cannot be written down; after a restart they may be told again",
          ["err": "\(error)"])
      }
    }
  }
}
