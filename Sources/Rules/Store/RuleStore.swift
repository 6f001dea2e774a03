import Format
import Platform
import Synchronization

/// The groups of rules of one workspace that came over the API, by namespace; kept in one sealed file. A change is durable
/// before it is in effect, and in effect before it is acknowledged. Any thread.
///
/// Invariant: `state` is what the file says. One change at a time (`changing`), under which the file is written.
package final class RuleStore: Sendable {
  /// Takes all groups of the store over, after each change of them.
  package typealias ChangeHandler = @Sendable ([RuleGroupDefinition]) -> Void

  /// The name under which a damaged file is counted.
  package static let damagedName = "apus.rules"

  package let limits: RuleStoreLimits
  private let file: SealedFile
  private let log: Log
  private let clock: any Clock
  private let options: Mutex<RuleFileOptions>
  /// Sorted by name.
  private let state: Mutex<[StoredNamespace]>
  private let handler = Mutex<ChangeHandler?>(nil)
  private let changing = Mutex<Void>(())

  /// Reads the groups of an earlier run.
  package init(
    _ path: String, on disk: any Disk, options: RuleFileOptions = RuleFileOptions(),
    limits: RuleStoreLimits = RuleStoreLimits(), clock: any Clock = SystemClock(), log: Log, damaged: DamagedFiles
  ) {
    file = RuleStoreFile.file(path, on: disk)
    self.limits = limits
    self.log = log
    self.clock = clock
    self.options = Mutex(options)
    state = Mutex(RuleStore.read(file, options, limits, log, damaged))
  }

  /// Takes over the terms under which groups are read from now on. Those that are there stay as they are; namespaces that
  /// could not be read are tried again.
  package func reconfigure(_ options: RuleFileOptions) {
    changing.withLock { _ in
      self.options.withLock { $0 = options }
      let present = namespaces
      if present.allSatisfy({ $0.fault == nil }) { return }
      let again = present.map { namespace in
        if namespace.fault == nil { return namespace }
        do throws(RuleStoreError) {
          var read = try StoredNamespace.read(
            Array(namespace.text.utf8), name: namespace.name, options, bytesMax: limits.bytesMax)
          read.createdMilliseconds = namespace.createdMilliseconds
          read.modifiedMilliseconds = namespace.modifiedMilliseconds
          return read
        } catch {
          return namespace
        }
      }
      state.withLock { $0 = again }
    }
  }

  private static func read(
    _ file: SealedFile, _ options: RuleFileOptions, _ limits: RuleStoreLimits, _ log: Log, _ damaged: DamagedFiles
  ) -> [StoredNamespace] {
    let reading = file.read { RuleStoreFile.decode($0.body) == nil ? "it holds no rule groups" : nil }
    if let damage = reading.damage {
      damaged.report(
        file.path, as: damagedName, damage: damage,
        instead: reading.isPrevious ? "the rule groups before the last change" : "no rule groups",
        meaning: reading.isPrevious
          ? "the last change of the rule groups is lost: send it again"
          : "rule groups that came over the API are not evaluated: send them again")
    }
    let entries = reading.contents.flatMap { RuleStoreFile.decode($0.body) } ?? []
    var namespaces: [StoredNamespace] = []
    for entry in entries.sorted(by: { $0.name < $1.name }) {
      var namespace: StoredNamespace
      do throws(RuleStoreError) {
        namespace = try StoredNamespace.read(entry.text, name: entry.name, options, bytesMax: limits.bytesMax)
      } catch {
        let text = String(decoding: entry.text, as: UTF8.self)
        namespace = StoredNamespace(name: entry.name, text: text, groups: [], fault: "\(error)")
        log.error(
          "The rules of a stored namespace cannot be read any more: they are kept and not evaluated",
          ["file": file.path, "namespace": entry.name, "err": "\(error)"])
      }
      namespace.createdMilliseconds = entry.createdMilliseconds
      namespace.modifiedMilliseconds = entry.modifiedMilliseconds
      namespaces.append(namespace)
    }
    return namespaces
  }

  // MARK: Reading

  /// Sorted by name.
  package var namespaces: [StoredNamespace] { state.withLock { $0 } }

  package subscript(namespace: String) -> StoredNamespace? { namespaces.first { $0.name == namespace } }

  /// The groups of all namespaces.
  package var groups: [RuleGroupDefinition] { namespaces.flatMap { $0.groups.map(\.definition) } }

  /// Calls `handler` with all groups after each change, before the change is acknowledged; one call at a time.
  package func onChange(_ handler: @escaping ChangeHandler) { self.handler.withLock { $0 = handler } }

  // MARK: Changes

  /// Puts one group, given as YAML, into a namespace, in the place of the one of its name.
  package func put(_ bytes: [UInt8], in namespace: String) throws(RuleStoreError) {
    let group = try read(bytes, in: namespace)
    try change(namespace) { (present) throws(RuleStoreError) in
      if let fault = present?.fault {
        throw .refused("the namespace cannot be read, delete it before anything is put into it: \(fault)")
      }
      var groups = present?.groups ?? []
      if let place = groups.firstIndex(where: { $0.name == group.name }) {
        groups[place] = group
      } else {
        groups.append(group)
      }
      return StoredNamespace(name: namespace, groups: groups)
    }
  }

  /// The namespaces that a replacement is for.
  package enum Presence: Sendable { case any, absent, present }

  /// Replaces all that a namespace has by a rule file, whose text is kept as it is; nothing is done where the namespace is
  /// there or not there against `presence`.
  package func replace(
    _ namespace: String, with text: [UInt8], where presence: Presence = .any
  ) throws(RuleStoreError) {
    let replacement = try checked(namespace, text)
    try change(namespace) { (present) throws(RuleStoreError) in
      if presence == .absent, present != nil { throw .namespaceExists }
      if presence == .present, present == nil { throw .noNamespace }
      return replacement
    }
  }

  /// Reads a rule file as the namespace that `replace` would make of it.
  @discardableResult
  package func checked(_ namespace: String, _ text: [UInt8]) throws(RuleStoreError) -> StoredNamespace {
    try checkNames(namespace, "")
    if text.count > limits.bytesMax { throw tooLarge(text.count) }
    let replacement = try StoredNamespace.read(
      text, name: namespace, options.withLock { $0 }, bytesMax: limits.bytesMax)
    for group in replacement.groups { try check(group, in: namespace) }
    return replacement
  }

  package func delete(_ group: String, in namespace: String) throws(RuleStoreError) {
    try change(namespace) { (present) throws(RuleStoreError) in
      guard let present, present[group] != nil else { throw .noGroup }
      let groups = present.groups.filter { $0.name != group }
      return groups.isEmpty ? nil : StoredNamespace(name: namespace, groups: groups)
    }
  }

  package func delete(_ namespace: String) throws(RuleStoreError) {
    try change(namespace) { (present) throws(RuleStoreError) in
      if present == nil { throw .noNamespace }
      return nil
    }
  }

  /// Replaces a namespace by what `body` makes of it, nil being none.
  private func change(
    _ name: String, _ body: (StoredNamespace?) throws(RuleStoreError) -> StoredNamespace?
  ) throws(RuleStoreError) {
    try changing.withLock { (_) throws(RuleStoreError) in
      let present = namespaces
      let place = present.firstIndex { $0.name >= name } ?? present.count
      let old = place < present.count && present[place].name == name ? present[place] : nil
      var new = try body(old)
      if new?.isSame(as: old) ?? (old == nil) { return }
      let now = clock.nowMilliseconds()
      new?.createdMilliseconds = old?.createdMilliseconds ?? now
      new?.modifiedMilliseconds = now
      var changed = present
      changed.replaceSubrange(place..<(old == nil ? place : place + 1), with: new.map { [$0] } ?? [])
      if new != nil { try checkTotals(changed) }
      do throws(DiskError) {
        try file.write(RuleStoreFile.encode(changed))
      } catch {
        log.error("The rule groups could not be stored", ["file": file.path, "namespace": name, "err": "\(error)"])
        throw .disk(error)
      }
      let stored = changed
      state.withLock { $0 = stored }
      log.info("The stored rule groups have changed", ["namespace": name, "groups": "\(new?.groups.count ?? 0)"])
      handler.withLock { $0 }?(stored.flatMap { $0.groups.map(\.definition) })
    }
  }

  // MARK: Checks

  /// Reads one group and checks all about it that does not depend on other groups.
  private func read(_ bytes: [UInt8], in namespace: String) throws(RuleStoreError) -> StoredGroup {
    if bytes.count > limits.groupBytesMax { throw tooLargeGroup(bytes.count) }
    let group = try StoredGroup.read(
      bytes, namespace: namespace, options.withLock { $0 }, bytesMax: limits.groupBytesMax)
    try check(group, in: namespace)
    return group
  }

  private func check(_ group: StoredGroup, in namespace: String) throws(RuleStoreError) {
    try checkNames(namespace, group.name)
    if group.text.utf8.count > limits.groupBytesMax { throw tooLargeGroup(group.text.utf8.count) }
    let count = group.definition.rules.count
    if count > limits.rulesMax {
      throw .refused("per-user rules per rule group limit (limit: \(limits.rulesMax) actual: \(count)) exceeded")
    }
  }

  private func checkNames(_ namespace: String, _ group: String) throws(RuleStoreError) {
    if namespace.isEmpty { throw .refused("a namespace must be provided in the request") }
    let count = namespace.utf8.count + group.utf8.count
    if count > limits.nameBytesMax {
      throw .refused(
        "the names of a namespace and a group may have \(limits.nameBytesMax) bytes together; these have \(count)")
    }
  }

  private func checkTotals(_ namespaces: [StoredNamespace]) throws(RuleStoreError) {
    let groups = namespaces.reduce(0) { $0 + $1.groups.count }
    if groups > limits.groupsMax {
      throw .refused("per-user rule groups limit (limit: \(limits.groupsMax) actual: \(groups)) exceeded")
    }
    let bytes = namespaces.reduce(0) { $0 + $1.text.utf8.count }
    if bytes > limits.bytesMax { throw tooLarge(bytes) }
  }

  private func tooLargeGroup(_ bytes: Int) -> RuleStoreError {
    .refused("a rule group may have \(limits.groupBytesMax) bytes, this one has \(bytes)")
  }

  private func tooLarge(_ bytes: Int) -> RuleStoreError {
    .refused("the stored rule groups of a workspace may have \(limits.bytesMax) bytes, these would have \(bytes)")
  }
}
