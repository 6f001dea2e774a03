import Model
import Platform
import Synchronization

/// Targets in files. All are read at the start, when something in one of their directories changes, and once per interval.
/// A file that cannot be read or is not whole keeps the groups it last gave.
final class FileDiscovery: Discoverer {
  static let filePathLabel = "__meta_filepath"
  /// After a change others mostly follow at once: so long they are waited for.
  static let settlingMilliseconds: Int64 = 100
  /// Directories that cannot be watched are looked at this often.
  static let pollMilliseconds: Int64 = 10_000

  private struct FileGroups: Sendable {
    var groups: [TargetGroup]
    var modifiedSeconds: Int64
  }

  private struct State: Sendable {
    var refresh: Int?
    var watcher: Int?
    var times: Int?
    /// Of the last refresh.
    var files: [String: FileGroups] = [:]
    /// Told already of the directories that cannot be watched.
    var unwatched: [String] = []
  }

  private let options: FileDiscoveryOptions
  private let log: Log
  private let clock: any Clock
  private let metrics: FileDiscoveryMetrics
  private let watch: DirectoryWatch
  private let schedule: RefreshSchedule
  private let hasOwnSchedule: Bool
  private let times: FileTimes
  private let state = Mutex(State())

  init(_ options: FileDiscoveryOptions, _ surroundings: DiscoverySurroundings) {
    self.options = options
    log = surroundings.log
    clock = surroundings.clock
    metrics = FileDiscoveryMetrics(surroundings)
    watch = surroundings.shared.watch
    hasOwnSchedule = surroundings.schedule == nil
    schedule = surroundings.schedule ?? RefreshSchedule(clock: surroundings.clock, log: surroundings.log)
    times = surroundings.shared.fileTimes(surroundings.registry)
  }

  func start(_ sink: DiscoverySink) {
    let refresh = schedule.newID()
    let watcher = watch.add { [weak self] in self?.hasten(FileDiscovery.settlingMilliseconds) }
    let times = times.add()
    state.withLock { state in
      state.refresh = refresh
      state.watcher = watcher
      state.times = times
    }
    schedule.add(refresh, intervalMilliseconds: options.refreshMilliseconds) { [self] flag in
      self.refresh(sink, flag)
    }
  }

  func stop() {
    let ended = state.withLock { state in
      defer { state = State() }
      return state
    }
    if let id = ended.refresh { schedule.remove(id) }
    if let id = ended.watcher { watch.remove(id) }
    if hasOwnSchedule { schedule.stop() }
    if let id = ended.times { times.remove(id) }
  }

  private func hasten(_ milliseconds: Int64) {
    if let id = state.withLock({ $0.refresh }) { schedule.hasten(id, milliseconds: milliseconds) }
  }

  // MARK: One refresh; never two at a time

  private func refresh(_ sink: DiscoverySink, _ flag: CancelFlag) {
    let start = clock.monotonicNanoseconds()
    // Before the files are read: what changes behind it is told.
    watchDirectories()
    let old = state.withLock { $0.files }
    var files: [String: FileGroups] = [:]
    let paths = paths()
    for path in paths where files[path] == nil {
      if flag.isCancelled { return }
      do throws(DiscoveryError) { files[path] = try read(path) } catch {
        metrics.readErrors.add()
        log.error("Error reading file", ["path": path, "err": "\(error)"])
        files[path] = old[path]
      }
    }
    metrics.scanSeconds.observe(Double(clock.monotonicNanoseconds() - start) / 1e9)
    let id = state.withLock { state -> Int? in
      // Nil once it was stopped.
      guard let id = state.times else { return nil }
      state.files = files
      return id
    }
    guard let id, !flag.isCancelled else { return }
    times.set(files.mapValues(\.modifiedSeconds), of: id)
    var told: Set<String> = []
    sink.replaceAll(by: paths.flatMap { told.insert($0).inserted ? files[$0]?.groups ?? [] : [] })
  }

  private func paths() -> [String] {
    options.files.flatMap { file -> [String] in
      do throws(PathPattern.PatternError) { return try PathPattern(file).paths() } catch {
        log.error("Error expanding glob", ["glob": file, "err": "\(error)"])
        return []
      }
    }
  }

  private func watchDirectories() {
    guard let id = state.withLock({ $0.watcher }) else { return }
    var seen: Set<String> = []
    let directories = options.files.flatMap { PathPattern($0).directories() }.filter { seen.insert($0).inserted }
    let errors = watch.watch(directories, for: id)
    let paths = errors.map(\.path)
    let known = state.withLock { state in
      defer { state.unwatched = paths }
      return state.unwatched
    }
    for error in errors where !known.contains(error.path) {
      if error.isOfTheSystem { metrics.watcherErrors.add() }
      log.error(
        "Error adding file watch; it is looked at every \(FileDiscovery.pollMilliseconds / 1000) s instead",
        ["path": error.path, "err": "\(error)"])
    }
    if !errors.isEmpty || directories.isEmpty { hasten(FileDiscovery.pollMilliseconds) }
  }

  private func read(_ path: String) throws(DiscoveryError) -> FileGroups {
    let read: (bytes: [UInt8], modifiedMilliseconds: Int64)?
    do throws(DiskError) { read = try FileDiscovery.content(path) } catch { throw DiscoveryError("\(error)") }
    guard let read else { throw DiscoveryError("read \(path): not a regular file") }
    return FileGroups(
      groups: try FileDiscovery.groups(read.bytes, path), modifiedSeconds: read.modifiedMilliseconds / 1000)
  }

  /// Nil where it is no regular file: others may never end, or never begin. Of one that is too long a bit too much.
  private static func content(_ path: String) throws(DiskError) -> (bytes: [UInt8], modifiedMilliseconds: Int64)? {
    let disk = LinuxDisk()
    let status = try disk.status(path)
    guard status.kind == .file else { return nil }
    let file = try disk.open(path, .read)
    // Nothing was written that the close could fail to keep.
    defer { try? file.close() }
    var bytes: [UInt8] = []
    while bytes.count <= TargetDocument.bytesMax {
      let part = try file.bytes(min(max(status.size, 4096), 1 << 20), at: bytes.count)
      if part.isEmpty { break }
      bytes += part
    }
    return (bytes, status.modifiedMilliseconds)
  }

  /// The groups of a file of this name.
  static func groups(_ bytes: [UInt8], _ path: String) throws(DiscoveryError) -> [TargetGroup] {
    let isJSON = path.lowercased().hasSuffix(".json")
    var groups = try TargetDocument.read(bytes, isJSON ? .json : .yaml)
    for place in groups.indices {
      var labels = LabelsBuilder(groups[place].labels)
      labels.set(filePathLabel, path)
      groups[place].labels = labels.labels()
      groups[place].source = "\(path):\(place)"
    }
    return groups
  }
}
