import HTTP

/// One who may ask, and what for. A value; a change of the file makes new ones.
package struct Principal: RequestCaller, Sendable, Equatable {
  package var name: String
  package var statements: [PolicyStatement]

  package init(name: String, statements: [PolicyStatement]) {
    self.name = name
    self.statements = statements
  }
}

/// A statement of a policy: what is allowed or denied, and where.
package struct PolicyStatement: Sendable, Equatable {
  package enum Effect: String, Sendable { case allow = "Allow", deny = "Deny" }

  package var effect: Effect
  /// `aps:RemoteWrite`, `aps:*`; `*` stands for any run of characters, case does not count.
  package var actions: [String]
  /// Ids, aliases, or patterns of them with `*`.
  package var workspaces: [String]

  package init(effect: Effect, actions: [String], workspaces: [String]) {
    self.effect = effect
    self.actions = actions
    self.workspaces = workspaces
  }
}
