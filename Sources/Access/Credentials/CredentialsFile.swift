import Format
import Model
import Platform

/// Reads a credentials file. Pure but for the files of secrets, which `secret` reads.
package enum CredentialsFile {
  package static let bytesMax = 4 << 20
  private static let principalsMax = 10_000

  /// - Parameter secret: reads the secret of a file that is named.
  package static func read(
    _ bytes: [UInt8], path: String, generation: UInt64,
    secret: (String) throws(AccessFileError) -> String
  ) throws(AccessFileError) -> CredentialIndex {
    let root: YAMLNode
    do throws(YAMLError) {
      root = try YAMLDocument.parse(bytes, limits: .init(bytesMax: bytesMax, depthMax: 16, nodesMax: 500_000)).root
    } catch {
      throw AccessFileError("\(path):\(error)")
    }
    var reader = CredentialsReader(path: path, generation: generation)
    reader.read(root, secret)
    if !reader.faults.isEmpty { throw AccessFileError(reader.faults) }
    return reader.index
  }
}

/// Gathers principals and all that is wrong. Used for one document.
private struct CredentialsReader {
  private static let faultsMax = 100

  let path: String
  let generation: UInt64
  var index = CredentialIndex()
  var faults: [String] = []

  private mutating func fault(_ node: YAMLNode, _ text: String) {
    if faults.count < CredentialsReader.faultsMax {
      faults.append("\(path):\(node.position.line):\(node.position.column): \(text)")
    }
  }

  mutating func read(_ root: YAMLNode, _ secret: (String) throws(AccessFileError) -> String) {
    let entries = section(root, "the file", ["principals", "signatures"])
    for node in list(entries["principals"], "principals") { principal(node, secret) }
    if let node = entries["signatures"] { signatures(node) }
  }

  private mutating func signatures(_ node: YAMLNode) {
    let entries = section(node, "signatures", ["region", "presigned", "unsigned_payload", "empty_service", "max_skew"])
    if let node = entries["region"] { index.signatures.region = text(node, "region") }
    index.signatures.takesPresigned = flag(entries["presigned"], "presigned") ?? false
    index.signatures.takesUnsignedPayload = flag(entries["unsigned_payload"], "unsigned_payload") ?? false
    index.signatures.takesEmptyService = flag(entries["empty_service"], "empty_service") ?? true
    if let node = entries["max_skew"], let text = text(node, "max_skew") {
      guard let skew = DurationText.parse(text), (1000...900_000).contains(skew) else {
        return fault(node, "max_skew: \(quoted(text)) is no duration from 1s to 15m")
      }
      index.signatures.skewMilliseconds = skew
    }
  }

  private static let principalKeys = [
    "name", "access_keys", "bearer_sha256", "password_bcrypt", "certificate_sans", "statements",
  ]

  private mutating func principal(_ node: YAMLNode, _ secret: (String) throws(AccessFileError) -> String) {
    let entries = section(node, "a principal", CredentialsReader.principalKeys)
    guard let nameNode = entries["name"], let name = text(nameNode, "name"), !name.isEmpty else {
      return fault(node, "a principal has no name")
    }
    if index.principals.contains(where: { $0.name == name }) {
      fault(nameNode, "two principals are named \(quoted(name))")
    }
    var principal = Principal(name: name, statements: [])
    for statement in list(entries["statements"], "statements") {
      if let read = self.statement(statement) { principal.statements.append(read) }
    }
    index.principals.append(principal)
    for key in list(entries["access_keys"], "access_keys") { accessKey(key, principal, secret) }
    for node in list(entries["bearer_sha256"], "bearer_sha256") {
      guard let text = text(node, "bearer_sha256"), let digest = SHA256.bytes(ofHex: text.lowercased()) else {
        fault(node, "bearer_sha256: the SHA-256 of a token has 64 hexadecimal digits (printf %s TOKEN | sha256sum)")
        continue
      }
      if index.bearers.updateValue(principal, forKey: digest) != nil { fault(node, "a token stands here twice") }
    }
    if let node = entries["password_bcrypt"], let hash = text(node, "password_bcrypt") {
      if let problem = BcryptHash.problem(hash) {
        fault(node, "password_bcrypt: \(problem)")
      } else {
        index.users[name] = .init(hash: hash, principal: principal)
      }
    }
    for node in list(entries["certificate_sans"], "certificate_sans") {
      guard let text = text(node, "certificate_sans"), !text.isEmpty else { continue }
      if index.certificates.updateValue(principal, forKey: text) != nil {
        fault(node, "two principals have the certificate name \(quoted(text))")
      }
    }
  }

  private mutating func accessKey(
    _ node: YAMLNode, _ principal: Principal, _ read: (String) throws(AccessFileError) -> String
  ) {
    let entries = section(node, "an access key", ["id", "secret", "secret_file", "session_token", "not_after"])
    guard let idNode = entries["id"], let id = text(idNode, "id"), !id.isEmpty, !id.contains("/"), !id.contains(",")
    else { return fault(node, "an access key has no id, or one with a slash or a comma") }
    if index.keys[id] != nil { fault(idNode, "two access keys have the id \(quoted(id))") }
    var secret: String?
    switch (entries["secret"], entries["secret_file"]) {
    case (let node?, nil): secret = text(node, "secret")
    case (nil, let node?):
      if let file = text(node, "secret_file") {
        do throws(AccessFileError) {
          secret = try read(file)
        } catch {
          fault(node, "secret_file: \(error)")
          return
        }
      }
    default: return fault(node, "an access key has either secret or secret_file")
    }
    guard let secret, !secret.isEmpty else { return fault(node, "the secret of an access key is empty") }
    var key = AccessKey(id: id, secret: secret, principal: principal, generation: generation)
    if let node = entries["session_token"] { key.sessionToken = text(node, "session_token") }
    if let node = entries["not_after"], let text = text(node, "not_after") {
      guard let end = RFC3339.parse(text) ?? RFC3339.parse(text + "T00:00:00Z") else {
        return fault(node, "not_after: \(quoted(text)) is no time such as 2026-12-31T00:00:00Z")
      }
      key.notAfter = end
    }
    index.keys[id] = key
  }

  private mutating func statement(_ node: YAMLNode) -> PolicyStatement? {
    let entries = section(node, "a statement", ["effect", "actions", "workspaces"])
    guard let effectNode = entries["effect"], let word = text(effectNode, "effect"),
      let effect = PolicyStatement.Effect(rawValue: word)
    else {
      fault(entries["effect"] ?? node, "effect: Allow or Deny is needed")
      return nil
    }
    let actions = texts(entries["actions"], "actions")
    let workspaces = texts(entries["workspaces"], "workspaces")
    if actions.isEmpty || workspaces.isEmpty {
      fault(node, "a statement has actions and workspaces; without them it would be about nothing")
      return nil
    }
    // A denial that names nothing would be a hole that nobody sees.
    for action in actions where !AccessPolicy.isKnown(action) {
      fault(entries["actions"] ?? node, "there is no action \(quoted(action))")
    }
    return PolicyStatement(effect: effect, actions: actions, workspaces: workspaces)
  }

  // MARK: Shapes

  private mutating func section(_ node: YAMLNode, _ name: String, _ keys: [String]) -> [String: YAMLNode] {
    if node.isNull { return [:] }
    guard case .mapping(let entries) = node.content else {
      fault(node, "\(name): a section is needed, not \(node.kindText)")
      return [:]
    }
    var found: [String: YAMLNode] = [:]
    for entry in entries {
      if !keys.contains(entry.key) {
        fault(entry.value, "\(name) has no key \(quoted(entry.key)) (\(keys.joined(separator: ", ")))")
      } else if found.updateValue(entry.value, forKey: entry.key) != nil {
        fault(entry.value, "\(name) has the key \(entry.key) twice")
      }
    }
    return found.filter { !$0.value.isNull }
  }

  private mutating func list(_ node: YAMLNode?, _ name: String) -> [YAMLNode] {
    guard let node else { return [] }
    guard case .sequence(let elements) = node.content else {
      fault(node, "\(name): a list is needed, not \(node.kindText)")
      return []
    }
    return elements
  }

  private mutating func texts(_ node: YAMLNode?, _ name: String) -> [String] {
    list(node, name).compactMap { text($0, name) }
  }

  private mutating func text(_ node: YAMLNode, _ name: String) -> String? {
    guard let scalar = node.scalar, !scalar.isNull else {
      fault(node, "\(name): a text is needed, not \(node.kindText)")
      return nil
    }
    return scalar.text
  }

  private mutating func flag(_ node: YAMLNode?, _ name: String) -> Bool? {
    guard let node else { return nil }
    switch node.scalar?.text {
    case "true": return true
    case "false": return false
    default:
      fault(node, "\(name): true or false is needed")
      return nil
    }
  }

  private func quoted(_ text: String) -> String { QuotedText.double(String(text.prefix(100))) }
}
