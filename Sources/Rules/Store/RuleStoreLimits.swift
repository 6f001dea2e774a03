/// The bounds of the stored groups of one workspace. A value.
package struct RuleStoreLimits: Sendable {
  /// Bytes of the names of a namespace and a group, together.
  package var nameBytesMax = 721
  package var groupsMax = 10_000
  /// Rules of one group.
  package var rulesMax = 1_000
  /// Bytes of one group as it is sent, and as it is written.
  package var groupBytesMax = 1 << 20
  /// Bytes of all namespaces.
  package var bytesMax = 16 << 20

  package init() {}
}
