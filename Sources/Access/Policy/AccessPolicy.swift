import HTTP

/// The verdict of a principal's statements: a denial wins, and what nothing allows is refused. Pure.
package enum AccessPolicy {
  /// The same with what the workspace's own policy says: what it denies is denied, and it may allow what no statement
  /// denies.
  package static func allows(
    _ principal: Principal, _ action: RouteAction, workspace: String, alias: String?,
    resource: PolicyStatement.Effect?
  ) -> Bool {
    if resource == .deny { return false }
    var isAllowed = resource == .allow
    for statement in principal.statements where covers(statement, action, workspace, alias) {
      if statement.effect == .deny { return false }
      isAllowed = true
    }
    return isAllowed
  }

  /// `workspace`: the id; the statements may name the alias instead. The workspace need not be there.
  package static func allows(
    _ statements: [PolicyStatement], _ action: RouteAction, workspace: String, alias: String?
  ) -> Bool {
    allows(Principal(name: "", statements: statements), action, workspace: workspace, alias: alias, resource: nil)
  }

  /// True if there may be a workspace in which the statements allow the action.
  package static func allowsSomewhere(_ statements: [PolicyStatement], _ action: RouteAction) -> Bool {
    let about = statements.filter { $0.actions.contains { StarPattern.matches($0, action.name) } }
    let isDeniedEverywhere = about.contains { $0.effect == .deny && $0.workspaces.contains("*") }
    return !isDeniedEverywhere && about.contains { $0.effect == .allow }
  }

  private static func covers(
    _ statement: PolicyStatement, _ action: RouteAction, _ workspace: String, _ alias: String?
  ) -> Bool {
    statement.actions.contains { StarPattern.matches($0, action.name) }
      && statement.workspaces.contains { pattern in
        StarPattern.matches(pattern, workspace) || (alias.map { StarPattern.matches(pattern, $0) } ?? false)
      }
  }

  /// True if a pattern of actions means any that there is.
  package static func isKnown(_ pattern: String) -> Bool {
    ActionNames.all.contains { StarPattern.matches(pattern, $0) }
  }
}
