import Glibc
import Platform

/// A disk in memory that can fail: run out of space, give errors on order, stop in the middle, and lose at a crash what
/// was not synced, bytes and names apart. Everything it does follows from the calls and the seeds. Any thread may call;
/// one mutex orders the calls.
///
/// Stricter than most file systems: a new file's name is durable only when its directory was synced, its bytes only
/// when the file was.
package final class SimulatedDisk: Disk {
  struct State {
    var names = SimulatedNames()
    var usedBytes = 0
    var capacityBytes: Int
    var faults: [SimulatedFault] = []
    var operationCount = 0
    /// Counted operations and the others.
    var callCount = 0
    /// The counted operations, one line each; nil where nobody wants them.
    var trace: [String]?
    /// Every operation after the one with this number fails.
    var lastOperation = Int.max
    var isDead = false
    /// How often the disk has crashed.
    var life = 0
  }

  /// What a disk without a limit says it has.
  package static let capacityBytesDefault = 1 << 40

  let state: Monitor<State>
  let clock: any Clock

  /// The clock stamps files. There is an empty root directory; `a` and `/a` name the same.
  package init(capacityBytes: Int = SimulatedDisk.capacityBytesDefault, clock: any Clock = SimulatedClock()) {
    self.clock = clock
    self.state = Monitor(State(capacityBytes: capacityBytes))
  }

  // MARK: files

  package func open(_ path: String, _ access: FileAccess) throws(DiskError) -> any DiskFile {
    let operation: DiskOperation = access == .read ? .open : .create
    return try perform(operation, path) { state throws(ErrorNumber) in
      let place = try state.names.place(of: path)
      let isWritable = access != .read
      if let node = place.node {
        if access == .create { throw ErrorNumber(EEXIST) }
        if node.kind == .directory { throw ErrorNumber(EISDIR) }
        if access == .truncate && !node.bytes.isEmpty { state.change(node, .truncate(size: 0), at: clock) }
        node.openCount += 1
        return SimulatedFile(path: path, isWritable: isWritable, life: state.life, node: node, disk: self)
      }
      if access == .read { throw ErrorNumber(ENOENT) }
      let node = SimulatedNode(kind: .file, modifiedMilliseconds: clock.nowMilliseconds())
      node.openCount = 1
      state.names.add(node, at: place)
      return SimulatedFile(path: path, isWritable: isWritable, life: state.life, node: node, disk: self)
    }
  }

  package func map(_ path: String) throws(DiskError) -> MappedFile {
    let bytes = try perform(.map, path) { state throws(ErrorNumber) in
      let node = try state.names.node(at: path)
      if node.kind == .directory { throw ErrorNumber(ENODEV) }
      return node.bytes
    }
    // A copy: what is mapped outlives the file.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 4096)
    copy.copyBytes(from: bytes)
    return MappedFile(path: path, bytes: UnsafeRawBufferPointer(copy)) { $0.deallocate() }
  }

  package func status(_ path: String) throws(DiskError) -> FileStatus {
    try perform(.status, path) { state throws(ErrorNumber) in
      let node = try state.names.node(at: path)
      return FileStatus(size: node.bytes.count, kind: node.kind, modifiedMilliseconds: node.modifiedMilliseconds)
    }
  }

  // MARK: names

  package func list(_ directory: String) throws(DiskError) -> [String] {
    try perform(.list, directory) { state throws(ErrorNumber) in
      try state.names.directory(at: directory).entries.keys.sorted { $0.lexicographicallyPrecedes($1) }
        .map { String(decoding: $0, as: UTF8.self) }
    }
  }

  package func makeDirectory(_ path: String) throws(DiskError) {
    try perform(.makeDirectory, path) { state throws(ErrorNumber) in
      let place = try state.names.place(of: path)
      if place.node != nil { throw ErrorNumber(EEXIST) }
      state.names.add(SimulatedNode(kind: .directory, modifiedMilliseconds: clock.nowMilliseconds()), at: place)
    }
  }

  package func rename(_ from: String, to: String) throws(DiskError) {
    try perform(.rename, from) { state throws(ErrorNumber) in
      let (from, to) = (try state.names.place(of: from), try state.names.place(of: to))
      try state.names.rename(from, to: to)
      state.free(to.node)
    }
  }

  package func link(_ from: String, to: String) throws(DiskError) {
    try perform(.link, from) { state throws(ErrorNumber) in
      let (node, to) = (try state.names.node(at: from), try state.names.place(of: to))
      if to.node != nil { throw ErrorNumber(EEXIST) }
      if node.kind == .directory { throw ErrorNumber(EPERM) }
      state.names.add(node, at: to)
    }
  }

  package func removeFile(_ path: String) throws(DiskError) {
    try perform(.removeFile, path) { state throws(ErrorNumber) in
      let place = try state.names.place(of: path)
      try state.names.removeFile(at: place)
      state.free(place.node)
    }
  }

  package func removeDirectory(_ path: String) throws(DiskError) {
    try perform(.removeDirectory, path) { state throws(ErrorNumber) in
      try state.names.removeDirectory(at: state.names.place(of: path))
    }
  }

  package func syncDirectory(_ path: String) throws(DiskError) {
    try perform(.syncDirectory, path) { state throws(ErrorNumber) in
      state.names.sync(try state.names.directory(at: path))
    }
  }

  package func freeSpace(_ path: String) throws(DiskError) -> (freeBytes: Int, totalBytes: Int) {
    try perform(.freeSpace, path) { state throws(ErrorNumber) in
      _ = try state.names.node(at: path)
      return (state.freeBytes, state.capacityBytes)
    }
  }

  // MARK: one operation

  func perform<Result>(
    _ operation: DiskOperation, _ path: String, _ body: (inout State) throws(ErrorNumber) -> Result
  ) throws(DiskError) -> Result {
    do throws(ErrorNumber) {
      return try state.withLock { state throws(ErrorNumber) in
        if let fault = state.begin(operation, path) { throw ErrorNumber(fault.code) }
        return try body(&state)
      }
    } catch {
      throw DiskError(operation: operation.systemName, path: path, code: error.code)
    }
  }

}

extension SimulatedDisk.State {
  /// Counts the operation; gives the error it meets, if any.
  /// `detail`: what else tells the operation from others, for the trace.
  mutating func begin(
    _ operation: DiskOperation, _ path: String, detail: @autoclosure () -> String = ""
  ) -> SimulatedFault? {
    if operation.isCounted && !isDead {
      if operationCount >= lastOperation { isDead = true } else { operationCount += 1 }
    }
    callCount += 1
    if isDead { return SimulatedFault(code: EIO, operation: 0) }
    let call = SimulatedFault.Call(
      operation: operation, path: path, operationNumber: operationCount, number: callCount)
    let place = faults.indices.first { faults[$0].timesLeft > 0 && faults[$0].hits(call) }
    if let place { faults[place].timesLeft -= 1 }
    if operation.isCounted {
      trace?.append("\(operation.rawValue) \(path)\(detail())\(place.map { " error \(faults[$0].code)" } ?? "")")
    }
    return place.map { faults[$0] }
  }

  var freeBytes: Int { max(0, capacityBytes - usedBytes) }

  mutating func change(_ node: SimulatedNode, _ change: SimulatedNode.Change, at clock: any Clock) {
    usedBytes -= node.bytes.count
    node.make(change)
    usedBytes += node.bytes.count
    node.modifiedMilliseconds = clock.nowMilliseconds()
  }

  /// Gives the bytes of a file back that nothing names and nobody has open.
  mutating func free(_ node: SimulatedNode?) {
    guard let node, node.nameCount == 0, node.openCount == 0 else { return }
    usedBytes -= node.bytes.count
    node.bytes = []
  }
}
