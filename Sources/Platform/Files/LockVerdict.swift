/// The decision about a lock file that is there, by what it says of its owner. Pure.
enum LockVerdict: Equatable {
  /// The owner is gone, or never was.
  case free
  /// The owner lives.
  case held
  /// Nobody can tell from here: another host, or another container, without locks of the file system. Only watching the
  /// file for a beat helps.
  case unknown

  /// `hasKernelLock`: we got flock(2), which a living owner under the same kernel would hold. `isLocal`: no other machine
  /// can have this file system.
  static func of(
    _ record: LockRecord?, seenBy own: LockRecord, hasKernelLock: Bool, isLocal: Bool,
    isAlive: (LockRecord) -> Bool
  ) -> LockVerdict {
    // Prometheus leaves an empty file, a crash perhaps half a record.
    guard let record else { return hasKernelLock ? .free : .unknown }
    let isSameBoot = record.boot == own.boot && !own.boot.isEmpty
    guard isSameBoot else { return isLocal ? .free : .unknown }
    if record.namespace == own.namespace && own.namespace != 0 { return isAlive(record) ? .held : .free }
    return hasKernelLock ? .free : .unknown
  }
}
