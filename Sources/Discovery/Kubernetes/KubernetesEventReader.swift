import Format
import Model

/// Events of one resource, in the order in which its objects have changed.
enum KubernetesEvent: Sendable, Equatable {
  /// A list begins; what it does not name is gone when it ends.
  case listBegan
  case object(KubernetesObject)
  case deleted(key: String)
  case listEnded
}

/// Makes events of the bytes of an answer, a list or a watch, while they arrive. A value, owned by who reads the answer.
struct KubernetesEventReader {
  /// How the answer says itself what went wrong.
  struct Trouble: Equatable {
    var code: Int
    var message: String
  }

  private let kind: KubernetesKind
  private let isWatch: Bool
  private var splitter: JSONStreamSplitter
  /// The last version that the answer has told.
  private(set) var version: String?
  /// The token of the next page of a list.
  private(set) var next = ""
  private(set) var trouble: Trouble?
  /// Objects that were left out: too large, or without a name.
  private(set) var leftOut = 0
  private var statusFields: [String: JSONDocument] = [:]

  init(_ kind: KubernetesKind, isWatch: Bool, valueBytesMax: Int = JSONStreamSplitter.valueBytesMax) {
    self.kind = kind
    self.isWatch = isWatch
    splitter = JSONStreamSplitter(
      isWatch ? .values : .members(elementsOf: "items"), valueBytesMax: valueBytesMax)
  }

  /// True if the answer has come as a whole.
  var isComplete: Bool { splitter.isComplete }

  /// Takes the next bytes. False: nothing more is of use.
  mutating func take(_ bytes: some Sequence<UInt8>, _ tell: (KubernetesEvent) -> Bool) -> Bool {
    // Taken out, not copied: its buffer has one owner.
    var splitter = JSONStreamSplitter(.values)
    swap(&splitter, &self.splitter)
    defer { swap(&splitter, &self.splitter) }
    var goesOn = true
    do throws(JSONStreamDamage) {
      try splitter.take(bytes) { part in
        goesOn = take(part, tell)
        return goesOn
      }
    } catch {
      trouble = trouble ?? Trouble(code: 0, message: "the answer is not JSON as the API sends it: \(error)")
      return false
    }
    return goesOn
  }

  private mutating func take(_ part: JSONStreamSplitter.Part, _ tell: (KubernetesEvent) -> Bool) -> Bool {
    switch part {
    case .tooLarge:
      leftOut += 1
      return true
    case .element(let bytes):
      guard let object = KubernetesObject(bytes, kind) else {
        leftOut += 1
        return true
      }
      return tell(.object(object))
    case .member(let name, let bytes):
      takeMember(String(decoding: name, as: UTF8.self), bytes)
      return true
    case .value(let bytes):
      return takeEvent(bytes, tell)
    }
  }

  private mutating func takeMember(_ name: String, _ bytes: [UInt8]) {
    guard let value = bytes.lend({ JSONDocument($0) }) else { return }
    switch name {
    case "metadata":
      version = value["resourceVersion"]?.text
      next = value.string("continue")
    case "kind" where value == .string("Status"), "code", "message": statusFields[name] = value
    default: break
    }
    guard statusFields["kind"] != nil else { return }
    trouble = Trouble(
      code: Int(statusFields["code"]?.integer ?? 0), message: statusFields["message"]?.text ?? "no message")
  }

  private mutating func takeEvent(_ bytes: [UInt8], _ tell: (KubernetesEvent) -> Bool) -> Bool {
    guard let event = bytes.lend({ JSONDocument($0) }) else {
      trouble = Trouble(code: 0, message: "an event is not JSON")
      return false
    }
    let type = event.string("type")
    // An answer with an error status is a Status alone.
    if type == "ERROR" || type.isEmpty {
      let status = type.isEmpty ? event : event["object"] ?? .null
      trouble = Trouble(code: Int(status.number("code")), message: status.string("message"))
      return false
    }
    let object = event["object"] ?? .null
    if let seen = object["metadata"]?["resourceVersion"]?.text, !seen.isEmpty { version = seen }
    switch type {
    case "ADDED", "MODIFIED":
      guard let object = KubernetesObject(object, kind) else { break }
      return tell(.object(object))
    case "DELETED":
      guard let metadata = object["metadata"].flatMap({ KubernetesMetadata($0) }) else { break }
      return tell(.deleted(key: metadata.key))
    case "BOOKMARK": return true
    default: break
    }
    leftOut += 1
    return true
  }
}
