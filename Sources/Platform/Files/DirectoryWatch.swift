import Glibc
import Synchronization

/// Tells when something in directories changes: names and contents, not permissions. One descriptor of the kernel's and one
/// thread for all who ask, which are there while somebody does. Any thread.
package final class DirectoryWatch: Sendable {
  /// Why a directory cannot be watched.
  package struct WatchError: Error, Equatable, CustomStringConvertible {
    package var path: String
    package var code: Int32

    /// True if the kernel has no more watches or instances to give, or none at all: another directory has no better chance.
    package var isOfTheSystem: Bool { ![ENOENT, ENOTDIR, EACCES, ENAMETOOLONG, ELOOP].contains(code) }
    package var description: String { "watch \(path): \(errorText(code))" }
  }

  private struct Watcher: Sendable {
    var body: @Sendable () -> Void
    /// The kernel's numbers of its directories.
    var numbers: Set<Int32> = []
  }

  private struct State: Sendable {
    var kernel: KernelWatch?
    var watchers: [Int: Watcher] = [:]
    var added = 0

    func isUsed(_ number: Int32) -> Bool { watchers.values.contains { $0.numbers.contains(number) } }
  }

  /// Calls to the kernel under it return at once, but on a directory that a server lost has.
  private let state = Mutex(State())

  package init() {}

  /// Someone who is told of changes by a call of `body`, on the thread of all; `body` only takes note. Nothing is watched yet.
  package func add(_ body: @escaping @Sendable () -> Void) -> Int {
    state.withLock { state in
      state.added += 1
      state.watchers[state.added] = Watcher(body: body)
      return state.added
    }
  }

  /// Watches these directories for it, as what they are now: a path may have come to mean another directory. Returns those
  /// that cannot be watched.
  package func watch(_ directories: [String], for id: Int) -> [WatchError] {
    state.withLock { state in
      guard let old = state.watchers[id]?.numbers else { return [] }
      var errors: [WatchError] = []
      var numbers: Set<Int32> = []
      for path in directories {
        do throws(WatchError) { numbers.insert(try kernel(&state, path).add(path)) } catch { errors.append(error) }
      }
      state.watchers[id]?.numbers = numbers
      for number in old.subtracting(numbers) where !state.isUsed(number) { state.kernel?.remove(number) }
      return errors
    }
  }

  /// Nothing is told to it after the call that runs.
  package func remove(_ id: Int) {
    let unused = state.withLock { state -> KernelWatch? in
      guard let watcher = state.watchers.removeValue(forKey: id) else { return nil }
      for number in watcher.numbers where !state.isUsed(number) { state.kernel?.remove(number) }
      guard state.watchers.isEmpty else { return nil }
      defer { state.kernel = nil }
      return state.kernel
    }
    unused?.end()
  }

  private func kernel(_ state: inout State, _ path: String) throws(WatchError) -> KernelWatch {
    if let kernel = state.kernel { return kernel }
    let kernel = try KernelWatch(path) { [weak self] in self?.tell($0) }
    state.kernel = kernel
    return kernel
  }

  /// Nil: events were lost, and anything may have changed.
  private func tell(_ number: Int32?) {
    let bodies = state.withLock { state in
      state.watchers.values.filter { number.map($0.numbers.contains) ?? true }.map(\.body)
    }
    for body in bodies { body() }
  }
}

/// The kernel's list of watched directories, and the thread that reads its events.
private final class KernelWatch: Sendable {
  private static let events =
    UInt32(IN_CREATE) | UInt32(IN_MODIFY) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO)
    | UInt32(IN_DELETE) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)
  /// A buffer for many events; one has at most a name of 255 bytes.
  private static let bufferBytes = 16 << 10
  private static let headerBytes = 16

  private let descriptor: Int32
  /// Closed when the thread has to end, which sees the other side of the pipe.
  private let life: Int32

  init(_ path: String, _ tell: @escaping @Sendable (Int32?) -> Void) throws(DirectoryWatch.WatchError) {
    let descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
    if descriptor < 0 { throw DirectoryWatch.WatchError(path: path, code: errno) }
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) != 0 {
      let code = errno
      close(descriptor)
      throw DirectoryWatch.WatchError(path: path, code: code)
    }
    self.descriptor = descriptor
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let ending = ends[0]
    life = ends[1]
    do throws(ThreadError) {
      // The thread closes what it reads.
      _ = try NamedThread(name: "file-watch", stackBytes: 512 << 10) {
        KernelWatch.read(descriptor, ending, tell)
        close(descriptor)
        close(ending)
      }
    } catch {
      close(descriptor)
      close(ending)
      close(life)
      throw DirectoryWatch.WatchError(path: path, code: error.code)
    }
  }

  func add(_ path: String) throws(DirectoryWatch.WatchError) -> Int32 {
    let number = inotify_add_watch(descriptor, path, KernelWatch.events)
    if number < 0 { throw DirectoryWatch.WatchError(path: path, code: errno) }
    return number
  }

  func remove(_ number: Int32) { inotify_rm_watch(descriptor, number) }

  /// The last call: the thread ends.
  func end() { close(life) }

  private static func read(_ descriptor: Int32, _ ending: Int32, _ tell: (Int32?) -> Void) {
    var buffer = [UInt8](repeating: 0, count: bufferBytes)
    while true {
      var waiting = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: ending, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&waiting, 2, -1)
      if count < 0 && errno == EINTR { continue }
      if count < 0 || waiting[1].revents != 0 { return }
      let bytes = Glibc.read(descriptor, &buffer, buffer.count)
      if bytes < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      if bytes <= 0 { return }
      var numbers: Set<Int32> = []
      var isOverflown = false
      var offset = 0
      while offset + headerBytes <= bytes {
        let number = Int32(bitPattern: word(buffer, offset))
        if word(buffer, offset + 4) & UInt32(IN_Q_OVERFLOW) != 0 { isOverflown = true }
        numbers.insert(number)
        offset += headerBytes + Int(word(buffer, offset + 12))
      }
      if isOverflown { tell(nil) } else { for number in numbers { tell(number) } }
    }
  }

  /// Four bytes in the machine's order, which is the kernel's.
  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
      | UInt32(bytes[offset + 3]) << 24
  }
}
