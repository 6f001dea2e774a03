import Platform

// How a test makes a simulated disk fail.

extension SimulatedDisk {
  /// The counted operations so far (see `DiskOperation`); those that failed count too.
  package var operationCount: Int { state.withLock { $0.operationCount } }

  /// All calls so far, those that only look at the disk included.
  package var callCount: Int { state.withLock { $0.callCount } }

  /// Keeps a line for each counted operation from now on: what was done to which file, with which bytes, and the error
  /// that a fault gave. Two runs that have the same lines have done the same.
  package func beginTrace() { state.withLock { $0.trace = [] } }

  package var trace: [String] { state.withLock { $0.trace ?? [] } }

  package func inject(_ fault: SimulatedFault) { state.withLock { $0.faults.append(fault) } }

  /// Whether each fault has been met as often as it was to be.
  package var faultsAreOver: Bool { state.withLock { $0.faults.allSatisfy { $0.timesLeft == 0 } } }

  package func removeFaults() { state.withLock { $0.faults.removeAll() } }

  /// The operation with this number is the last that is done; every call after it fails until `crash`.
  package func stop(afterOperation number: Int) { state.withLock { $0.lastOperation = number } }

  /// Whether a call has failed because the disk was to stop.
  package var isStopped: Bool { state.withLock { $0.isDead } }

  package var usedBytes: Int { state.withLock { $0.usedBytes } }

  /// What is free from now on; files grow into it until writes fail with ENOSPC.
  package func setFreeBytes(_ freeBytes: Int) { state.withLock { $0.capacityBytes = $0.usedBytes + freeBytes } }

  /// The machine goes down and comes up again: every open file is dead, and of what was not synced the seed decides what
  /// is left. Faults stay, an ordered stop is over.
  package func crash(_ kind: SimulatedCrash, seed: UInt64 = 0) {
    state.withLock { state in
      var numbers = SeededNumbers(seed: seed)
      state.life += 1
      state.isDead = false
      state.lastOperation = .max
      state.usedBytes = 0
      if kind == .processOnly {
        state.names.restart { state.usedBytes += $0.bytes.count }
        return
      }
      let names = kind.survivingNames(state.names.changes, using: &numbers)
      state.names.crash(keeping: names) { node in
        node.durableBytes = kind.survivingBytes(of: node, using: &numbers)
        node.bytes = node.durableBytes
        node.changes.removeAll()
        state.usedBytes += node.bytes.count
      }
    }
  }

  /// The seed also decides the kind (never `processOnly`), which is returned for a test's message.
  @discardableResult
  package func crash(seed: UInt64) -> SimulatedCrash {
    let kinds: [SimulatedCrash] = [.allLost, .prefixKept, .torn, .scattered]
    let kind = kinds[Int(seed % UInt64(kinds.count))]
    crash(kind, seed: seed)
    return kind
  }
}
