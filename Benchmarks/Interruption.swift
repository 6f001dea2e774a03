import Glibc
import Synchronization
import TestKit

/// SIGINT and SIGTERM end the servers and remove their data before the process goes. Installed before any other thread is.
enum Interruption {
  struct Stopped: Error, CustomStringConvertible {
    var description: String { "interrupted" }
  }

  private static let isStopping = Atomic<Bool>(false)

  static func install() {
    // The first to be registered is the last to be called: by then the servers have been killed.
    atexit { BenchFolder.remove() }
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGHUP)
    // Every thread inherits it: the signals wait for the one that asks for them.
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let watched = signals
    startThread {
      var watched = watched
      var signal: Int32 = 0
      guard sigwait(&watched, &signal) == 0 else { return }
      isStopping.store(true, ordering: .releasing)
      report("interrupted by signal \(signal): ending the servers and removing their data")
      // A server that is being started is known to all after this.
      sleepThread(.milliseconds(100))
      exit(128 + signal)
    }
  }

  /// A process ends once: the main thread leaves it to the one that was told to.
  static func waitIfStopping() {
    while isStopping.load(ordering: .acquiring) { pause() }
  }

  /// Throws once the process is about to go: nothing may be started any more.
  static func check() throws(Stopped) {
    guard !isStopping.load(ordering: .acquiring) else { throw Stopped() }
  }
}

/// The one folder that holds every data directory of a run; gone when the process is.
enum BenchFolder {
  private static let made = Mutex<TemporaryDirectory?>(nil)
  /// Servers that were just killed may still have a file to write.
  private static let attempts = 20

  static func path(_ options: BenchOptions) throws(FileFailure) -> String {
    try made.withLock { (made) throws(FileFailure) in
      if let made { return made.path }
      let directory = try TemporaryDirectory("apus-bench", in: options.dataFolder)
      made = directory
      return directory.path
    }
  }

  static func remove() {
    guard let directory = made.withLock({ $0.take() }) else { return }
    for _ in 0..<attempts {
      directory.remove()
      guard access(directory.path, F_OK) == 0 else { return }
      sleepThread(.milliseconds(50))
    }
    report("\(directory.path) could not be removed")
  }
}
