import Model

/// The alerts of one receiver in groups, and what it was told of each: says when it is to be told what. A value; its moments
/// are those of the wall clock, in milliseconds. Works as Alertmanager's groups do, without its routes, silences and
/// inhibitions.
struct AlertGroupTable: Sendable {
  /// The last message about a group that was delivered.
  struct Told: Sendable, Equatable {
    var milliseconds: Int64
    /// Fingerprints of the alerts that fired.
    var firing: Set<UInt64>
  }

  struct Group: Sendable, Equatable {
    var alerts: [Labels: AlertNotice] = [:]
    var told: Told?
    /// The next look at the group.
    var nextMilliseconds: Int64
  }

  private(set) var options: ReceiverOptions
  private(set) var groups: [Labels: Group] = [:]
  private(set) var alertCount = 0
  /// Alerts in all groups; more are refused.
  private var alertsMax: Int

  init(_ options: ReceiverOptions, alertsMax: Int) {
    self.options = options
    self.alertsMax = alertsMax
  }

  /// Takes over options. Groups stay; where others are formed now, what was told of the old ones is forgotten with them.
  mutating func reconfigure(_ options: ReceiverOptions, alertsMax: Int, at now: Int64) {
    self.alertsMax = alertsMax
    let before = self.options
    self.options = options
    if before.groupBy == options.groupBy { return }
    let old = groups.values.flatMap(\.alerts.values)
    groups = [:]
    alertCount = 0
    for notice in old { _ = add(notice, at: now) }
  }

  /// Takes an alert in; false where there is no room for it.
  mutating func add(_ notice: AlertNotice, at now: Int64) -> Bool {
    let key = key(of: notice.labels)
    let fires = notice.fires(at: now)
    if groups[key]?.alerts[notice.labels] != nil {
      groups[key]?.alerts[notice.labels] = notice
      return true
    }
    // An end is no news where the beginning was not told.
    if !fires && groups[key]?.told?.firing.contains(notice.fingerprint) != true { return true }
    if alertCount >= alertsMax { return false }
    alertCount += 1
    if groups[key] == nil {
      let isWaitOver = notice.startsAt + options.groupWaitMilliseconds < now
      groups[key] = Group(nextMilliseconds: isWaitOver ? now : now + options.groupWaitMilliseconds)
    }
    groups[key]?.alerts[notice.labels] = notice
    return true
  }

  /// The next moment at which a group is to be looked at.
  var nextMilliseconds: Int64? { groups.values.lazy.map(\.nextMilliseconds).min() }

  /// The message that is due; looks at due groups until there is one. The group is looked at again after its interval.
  mutating func takeDue(at now: Int64) -> GroupMessage? {
    while let (key, group) = groups.min(by: Self.isBefore), group.nextMilliseconds <= now {
      groups[key]?.nextMilliseconds = now + options.groupIntervalMilliseconds
      if let message = look(at: key, group, now) { return message }
    }
    return nil
  }

  private static func isBefore(_ one: (key: Labels, value: Group), _ two: (key: Labels, value: Group)) -> Bool {
    one.value.nextMilliseconds != two.value.nextMilliseconds
      ? one.value.nextMilliseconds < two.value.nextMilliseconds : one.key < two.key
  }

  private mutating func look(at key: Labels, _ group: Group, _ now: Int64) -> GroupMessage? {
    let told = group.told?.firing ?? []
    var firing: [AlertNotice] = []
    var resolved: [AlertNotice] = []
    for notice in group.alerts.values {
      if notice.fires(at: now) {
        firing.append(notice)
      } else if told.contains(notice.fingerprint) {
        resolved.append(notice)
      } else {
        remove(notice.labels, of: key)
      }
    }
    firing.sort { $0.labels < $1.labels }
    resolved.sort { $0.labels < $1.labels }
    if !options.sendsResolved {
      // Nobody wants to know.
      for notice in resolved {
        remove(notice.labels, of: key)
        groups[key]?.told?.firing.remove(notice.fingerprint)
      }
      resolved = []
    }
    let isNew = firing.contains { !told.contains($0.fingerprint) }
    let isRepeated =
      !firing.isEmpty && group.told.map { $0.milliseconds + options.repeatMilliseconds <= now } ?? false
    guard isNew || isRepeated || !resolved.isEmpty else {
      removeIfEmpty(key)
      return nil
    }
    return GroupMessage(groupLabels: key, firing: firing, resolved: resolved, milliseconds: now)
  }

  /// The message was delivered.
  mutating func delivered(_ message: GroupMessage) {
    let key = message.groupLabels
    guard groups[key] != nil else { return }
    groups[key]?.told = Told(
      milliseconds: message.milliseconds, firing: Set(message.firing.map(\.fingerprint)))
    for notice in message.resolved where groups[key]?.alerts[notice.labels] == notice {
      remove(notice.labels, of: key)
    }
    removeIfEmpty(key)
  }

  /// The message was not delivered: the group is looked at again at that moment, others before it.
  mutating func failed(_ message: GroupMessage, nextAt milliseconds: Int64) {
    groups[message.groupLabels]?.nextMilliseconds = milliseconds
  }

  /// Puts a group in that an earlier run knew.
  mutating func restore(_ key: Labels, _ group: Group) {
    let room = max(0, alertsMax - alertCount)
    var group = group
    if group.alerts.count > room {
      group.alerts = Dictionary(uniqueKeysWithValues: group.alerts.prefix(room).map { ($0.key, $0.value) })
    }
    if group.alerts.isEmpty { return }
    alertCount += group.alerts.count - (groups[key]?.alerts.count ?? 0)
    groups[key] = group
  }

  private func key(of labels: Labels) -> Labels {
    if options.groupBy.contains(ReceiverOptions.groupByAll) { return labels }
    return Labels(options.groupBy.compactMap { name in labels[name].map { (name, $0) } })
  }

  private mutating func remove(_ labels: Labels, of key: Labels) {
    if groups[key]?.alerts.removeValue(forKey: labels) != nil { alertCount -= 1 }
  }

  private mutating func removeIfEmpty(_ key: Labels) {
    if groups[key]?.alerts.isEmpty == true { groups[key] = nil }
  }
}
