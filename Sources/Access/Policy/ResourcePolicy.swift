import Format
import HTTP

/// A mistake in the document of a policy: the end of a sentence that begins with its name.
package struct ResourcePolicyError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}

/// The policy of one workspace: who may write to it and read from it besides those whose own statements say so, and who may not
/// whatever they say. A value.
package struct ResourcePolicy: Sendable, Equatable {
  struct Statement: Sendable, Equatable {
    var effect: PolicyStatement.Effect
    /// Nil: everybody who is known.
    var names: Set<String>?
    var actions: Set<String>
  }

  /// Actions that such a policy may be about.
  package static let actions = [
    "aps:RemoteWrite", "aps:QueryMetrics", "aps:GetSeries", "aps:GetLabels", "aps:GetMetricMetadata",
  ]
  private static let versions: Set<String> = ["2012-10-17", "2008-10-17"]
  private static let keys: Set<String> = ["Sid", "Effect", "Principal", "Action", "Resource"]
  private static let statementsMax = 100
  package static let bytesMax = 64 << 10

  let statements: [Statement]

  /// Reads a document.
  /// - Parameters:
  ///   - arn: the ARN of the workspace, the only resource that statements may name.
  ///   - account: the account that the principals of the credentials file belong to.
  package init(_ document: String, of arn: String, account: String) throws(ResourcePolicyError) {
    let parsed = Array(document.utf8).lend { JSONDocument($0, valuesMax: 10_000) }
    guard let parsed, case .object(let members) = parsed else { throw ResourcePolicyError("is no JSON object") }
    for member in members where !["Version", "Id", "Statement"].contains(member.name) {
      throw ResourcePolicyError("has the key \(member.name), which is not known")
    }
    if let version = parsed["Version"], !Self.versions.contains(version.text ?? "") {
      throw ResourcePolicyError("has a Version that is not 2012-10-17")
    }
    let list: [JSONDocument]
    switch parsed["Statement"] {
    case .array(let all): list = all
    case .object(let one): list = [.object(one)]
    default: throw ResourcePolicyError("has no list Statement")
    }
    if list.isEmpty || list.count > Self.statementsMax {
      throw ResourcePolicyError("must have 1 to \(Self.statementsMax) statements")
    }
    var statements: [Statement] = []
    for (place, entry) in list.enumerated() {
      do throws(ResourcePolicyError) {
        statements.append(try Self.statement(entry, arn, account))
      } catch { throw ResourcePolicyError("has a mistake in statement \(place + 1): \(error)") }
    }
    self.statements = statements
  }

  private static func statement(_ entry: JSONDocument, _ arn: String, _ account: String) throws(ResourcePolicyError)
    -> Statement
  {
    guard case .object(let members) = entry else { throw ResourcePolicyError("it is no object") }
    for member in members where !keys.contains(member.name) {
      throw ResourcePolicyError("this server does not evaluate \(member.name)")
    }
    guard let effect = PolicyStatement.Effect(rawValue: entry["Effect"]?.text ?? "") else {
      throw ResourcePolicyError("Effect is neither Allow nor Deny")
    }
    let actions = try texts(entry["Action"], "Action")
    for action in actions where !Self.actions.contains(where: { $0.lowercased() == action.lowercased() }) {
      throw ResourcePolicyError("the action \(action) is none of \(Self.actions.joined(separator: ", "))")
    }
    for resource in try texts(entry["Resource"], "Resource") where resource != arn && resource != "*" {
      throw ResourcePolicyError("the resource \(resource) is not this workspace, \(arn)")
    }
    return Statement(
      effect: effect, names: try names(entry["Principal"], account), actions: Set(actions.map { $0.lowercased() }))
  }

  /// The names of principals; nil for everybody.
  private static func names(_ value: JSONDocument?, _ account: String) throws(ResourcePolicyError) -> Set<String>? {
    if value?.text == "*" { return nil }
    guard let value, case .object(let kinds) = value, kinds.allSatisfy({ $0.name == "AWS" }) else {
      throw ResourcePolicyError("Principal is neither \"*\" nor an object with the key AWS")
    }
    var names: Set<String> = []
    for text in try texts(value["AWS"], "Principal") {
      if text == "*" || text == account || text == "arn:aws:iam::\(account):root" { return nil }
      let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
      if parts.count < 6 {
        // A name of the credentials file as it is; the number of another account is nobody here.
        names.insert(text)
        continue
      }
      guard parts[0] == "arn", parts[2] == "iam" || parts[2] == "sts", let slash = parts[5].firstIndex(of: "/") else {
        if parts[5] == "root" { continue }
        throw ResourcePolicyError("the principal \(text) is no user and no role")
      }
      if parts[4] != account { continue }
      let path = parts[5][parts[5].index(after: slash)...].split(separator: "/")
      let name = parts[5].hasPrefix("assumed-role/") ? path.first : path.last
      guard let name else { throw ResourcePolicyError("the principal \(text) has no name") }
      names.insert(String(name))
    }
    return names
  }

  private static func texts(_ value: JSONDocument?, _ name: String) throws(ResourcePolicyError) -> [String] {
    switch value {
    case .string(let text): return [text]
    case .array(let elements):
      let texts = elements.compactMap(\.text)
      if texts.count == elements.count, !texts.isEmpty { return texts }
    default: break
    }
    throw ResourcePolicyError("\(name) is neither a text nor a list of texts")
  }

  /// The verdict of the policy about an action of a principal; nil: it says nothing.
  package func verdict(_ principal: String, _ action: RouteAction) -> PolicyStatement.Effect? {
    var verdict: PolicyStatement.Effect?
    for statement in statements
    where statement.actions.contains(action.name.lowercased()) && statement.names?.contains(principal) ?? true {
      if statement.effect == .deny { return .deny }
      verdict = .allow
    }
    return verdict
  }
}
