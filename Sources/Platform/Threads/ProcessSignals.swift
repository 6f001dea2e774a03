import Glibc

/// The signals that mean something to the server, as values that one thread waits for. No code of ours ever runs inside a
/// signal handler. `block` is called by the main thread before there is any other: new threads inherit what is blocked.
///
/// Others that would end the process by default and that tools or limits send do nothing. SIGQUIT keeps its meaning: it
/// ends a process that does not answer, with a core where the system writes them.
package enum ProcessSignals {
  package enum Signal: Sendable, CaseIterable {
    /// SIGTERM, SIGINT: drain, flush, end.
    case terminate, interrupt
    /// SIGHUP: read the configuration again.
    case reload

    var number: Int32 {
      switch self {
      case .terminate: SIGTERM
      case .interrupt: SIGINT
      case .reload: SIGHUP
      }
    }
  }

  /// A write to a closed connection or past the limit of a file's size is an error of that write; and SIGUSR1 and SIGUSR2,
  /// which log rotation and supervisors send, ask nothing of this server.
  private static let ignored = [SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2]

  /// Blocks the signals: from here on they wait for `next`, and those that ask nothing are ignored.
  package static func block() {
    var signals = set()
    let result = pthread_sigmask(SIG_BLOCK, &signals, nil)
    precondition(result == 0, "a valid set can be blocked")
    for number in ignored { signal(number, SIG_IGN) }
  }

  /// Waits for one of the signals. Called in a loop by one thread.
  package static func next() -> Signal {
    var signals = set()
    while true {
      var number: Int32 = 0
      if sigwait(&signals, &number) == 0, let signal = Signal.allCases.first(where: { $0.number == number }) {
        return signal
      }
    }
  }

  /// Sends this process a signal as if it came from outside: the way to stop or reload itself.
  package static func send(_ signal: Signal) { _ = kill(getpid(), signal.number) }

  private static func set() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in Signal.allCases { sigaddset(&signals, signal.number) }
    return signals
  }
}
