import Format
import Model
import Platform

extension Compactor {
  /// The oldest block that holds series of which nothing there is kept any more, under rules by selector; nil if there
  /// is none. `checked` remembers the blocks that it has searched in vain: it searches a block once for each border
  /// that passes it.
  func blockWithExpiredSeries(
    _ rules: RetentionRules, newest: Int64, checked: inout [ULID: Set<RetentionRules.Scope>]
  ) throws(BlockError) -> Block? {
    if rules.isEmpty { return nil }
    let served = blocks.current.blocks
    let present = Set(served.map(\.meta.ulid))
    checked = checked.filter { present.contains($0.key) }
    for block in served where !block.meta.compaction.hasFailed {
      let expired = Set(rules.expiredScopes(maxTime: block.meta.maxTime, newestTime: newest))
      if expired.isSubset(of: checked[block.meta.ulid] ?? []) { continue }
      if try hasSeries(block, of: expired, rules) { return block }
      checked[block.meta.ulid] = expired
    }
    return nil
  }

  private func hasSeries(
    _ block: Block, of scopes: Set<RetentionRules.Scope>, _ rules: RetentionRules
  ) throws(BlockError) -> Bool {
    if scopes.contains(.others) { return try hasSeries(block, block.allSeries(), of: scopes, rules) }
    for case .rule(let index) in scopes {
      // A rule before it may keep the series longer, so each is asked for its own.
      if try hasSeries(block, block.select(rules.rules[index].matchers), of: scopes, rules) { return true }
    }
    return false
  }

  private func hasSeries(
    _ block: Block, _ references: [UInt32], of scopes: Set<RetentionRules.Scope>, _ rules: RetentionRules
  ) throws(BlockError) -> Bool {
    for reference in references where scopes.contains(rules.scope(of: try block.labels(of: reference))) { return true }
    return false
  }
}
