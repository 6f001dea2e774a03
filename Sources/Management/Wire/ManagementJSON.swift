import Format

/// The members of a JSON object of an answer, in the order in which they are added. A value.
package struct ManagementJSON: Sendable {
  private var json = JSONBuffer()
  private var isEmpty = true

  package init() {}

  package var text: String { "{" + String(decoding: json.bytes, as: UTF8.self) + "}" }

  /// A member whose value is JSON already.
  package mutating func add(_ name: String, json value: String) {
    json.raw(isEmpty ? "" : ",")
    isEmpty = false
    json.pageString(name)
    json.raw(":")
    json.raw(value)
  }

  /// Adds nothing where there is no text.
  package mutating func add(_ name: String, _ text: String?) {
    if let text { add(name, json: JSONBuffer.quoted(text)) }
  }

  package mutating func add(_ name: String, _ number: Int64?) {
    if let number { add(name, json: String(number)) }
  }

  package mutating func add(_ name: String, _ object: ManagementJSON) { add(name, json: object.text) }

  package mutating func add(_ name: String, _ objects: [ManagementJSON]) {
    add(name, json: "[" + objects.map(\.text).joined(separator: ",") + "]")
  }

  package mutating func add(_ name: String, _ texts: [String: String]) {
    var object = ManagementJSON()
    for (key, value) in texts.sorted(by: { $0.key < $1.key }) { object.add(key, value) }
    add(name, object)
  }

  /// A time as a number of seconds, with a fraction where there is one.
  package mutating func add(_ name: String, milliseconds: Int64) {
    var number = JSONBuffer()
    number.timestamp(milliseconds)
    add(name, json: String(decoding: number.bytes, as: UTF8.self))
  }

  package mutating func add(_ name: String, blob: [UInt8]) { add(name, json: "\"\(Base64.encode(blob))\"") }

  /// `"status":{"statusCode":"ACTIVE"}`.
  package mutating func add(status code: String, reason: String? = nil) {
    var status = ManagementJSON()
    status.add("statusCode", code)
    status.add("statusReason", reason)
    add("status", status)
  }

  /// A document as text, members of objects by name: the same for equal documents.
  static func text(of document: JSONDocument) -> String {
    switch document {
    case .null: "null"
    case .bool(let isTrue): isTrue ? "true" : "false"
    case .number(let digits): digits
    case .string(let text): JSONBuffer.quoted(text)
    case .array(let elements): "[" + elements.map(text(of:)).joined(separator: ",") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.name < $1.name }.map { "\(JSONBuffer.quoted($0.name)):\(text(of: $0.value))" }
        .joined(separator: ",") + "}"
    }
  }
}
