import Platform
import Synchronization

/// A value that is read from files, and read again once one of them has changed. Where that fails the last good one stays,
/// and it is told once for each change. Any thread; the files are looked at on the thread that calls `look` alone.
package final class WatchedValue<Value: Sendable>: Sendable {
  /// Reads the value; `paths` are the files that it depends on, whether or not they could be read.
  package typealias Reading = @Sendable (_ paths: inout [String]) throws(AccessFileError) -> Value

  private struct State {
    var marks: [String: FileMark?] = [:]
    var isGood = true
    var readMilliseconds: Int64
  }

  private let value: Mutex<Value>
  private let state: Mutex<State>
  private let looking = Mutex(())
  private let read: Reading
  private let clock: any Clock
  private let log: Log
  /// The words for it in the log: `credentials file`.
  private let name: String

  /// Reads it for the first time.
  package init(_ name: String, clock: any Clock, log: Log, _ read: @escaping Reading) throws(AccessFileError) {
    self.name = name
    self.read = read
    self.clock = clock
    self.log = log
    var paths: [String] = []
    let first = try read(&paths)
    value = Mutex(first)
    state = Mutex(State(marks: Self.marks(paths), readMilliseconds: clock.nowMilliseconds()))
  }

  package var present: Value { value.withLock { $0 } }

  /// True where the files as they are now are in force; and since when the value is.
  package var lastReading: (isGood: Bool, milliseconds: Int64) {
    state.withLock { ($0.isGood, $0.readMilliseconds) }
  }

  /// Reads it again if one of its files has changed. May wait for the disk.
  package func look() {
    looking.withLock { _ in
      let known = state.withLock { $0.marks }
      let before = Self.marks(known.keys)
      if before == known { return }
      var paths: [String] = []
      do throws(AccessFileError) {
        let new = try read(&paths)
        // What is being written may look whole and not be: it is looked at again unless it stayed as it was.
        state.withLock { state in
          state.marks = Self.marks(paths).merging(before.filter { paths.contains($0.key) }) { $1 }
          state.isGood = true
          state.readMilliseconds = clock.nowMilliseconds()
        }
        value.withLock { $0 = new }
        log.info("Read again: \(name)", ["files": paths.joined(separator: ",")])
      } catch {
        state.withLock { state in
          state.marks = Self.marks(paths + known.keys).merging(before) { $1 }
          state.isGood = false
        }
        for line in error.lines { log.error("Not taken over, the last good one stays: \(name)", ["err": line]) }
      }
    }
  }

  private static func marks(_ paths: some Sequence<String>) -> [String: FileMark?] {
    var marks: [String: FileMark?] = [:]
    for path in paths {
      do throws(DiskError) {
        marks[path] = .some(try FileMark(of: path))
      } catch {
        marks[path] = .some(nil)
      }
    }
    return marks
  }
}
