import Format

// What a configuration may say, as data: every key with its shape and its default. The keys that this version reads stand
// beside their readers in *+Section.swift, the others in Schema+*.swift; `SchemaReader` checks a document against them and
// gives it types.

/// The shape of one value, of a key or a flag.
indirect enum Shape: Sendable {
  case text
  /// Text that no answer or log shows.
  case secret
  /// A URL; its password is never shown.
  case url
  /// Text that is taken as it is, and may be a URL; a password in it is never shown.
  case address
  case boolean
  case duration
  /// Bytes with a unit.
  case size
  case integer(ClosedRange<Int64>)
  case number(ClosedRange<Double>)
  case choice([String])
  /// One of these words in any case.
  case word([String])
  /// An RE2 expression.
  case regex
  /// A PromQL selector.
  case selector
  /// A name that can stand in an address.
  case workspaceID
  /// A text of so many characters at most.
  case shortText(Int)
  /// A pattern of files: stars only in the last part.
  case filePattern
  /// The name of a label.
  case labelName
  /// `host:port`, `:port` or `[v6]:port`.
  case listenAddress
  /// Names separated by commas.
  case names
  case list(Shape)
  /// Free keys.
  case map(Shape)
  /// Free keys that are names of labels.
  case labels
  case section(Schema)

  static let count = Shape.integer(0...(.max))
}

/// The keys of one kind of section.
struct Schema: Sendable {
  /// The name that messages give it.
  var name: String
  var keys: [SchemaKey]
  /// Conditions between the keys.
  var rules: [SchemaRule]

  private let indexes: [String: Int]

  init(_ name: String, _ keys: [SchemaKey], rules: [SchemaRule] = []) {
    self.name = name
    self.keys = keys
    self.rules = rules
    indexes = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1.name, $0) })
  }

  subscript(name: String) -> SchemaKey? { indexes[name].map { keys[$0] } }

  /// The same keys, in sections too, without defaults: for a section whose missing keys come from elsewhere. Elements of
  /// lists keep theirs.
  var withoutPresets: Schema {
    let keys = keys.map { key in
      var key = key
      key.preset = nil
      if case .section(let inner) = key.shape { key.shape = .section(inner.withoutPresets) }
      return key
    }
    return Schema(name, keys, rules: rules)
  }
}

struct SchemaKey: Sendable {
  var name: String
  var shape: Shape
  /// The default in the form of the file (`{}` for a section that is always there). Nil where there is none: the
  /// printed configuration then leaves the key out.
  var preset: String?
  var isRequired: Bool
  /// True if code of this version takes the value over; `Setting` alone says so. Else the key is accepted, checked and named
  /// in the warning.
  var isRead = false
  /// True for a value that this version accepts and does not serve: the key is named with it in the warning.
  var isUnserved: (@Sendable (ConfigurationValue) -> Bool)?
  /// One line for the reference; only for keys that are ours.
  var help: String

  init(
    _ name: String, _ shape: Shape, _ preset: String? = nil, isRequired: Bool = false, help: String = ""
  ) {
    self.name = name
    self.shape = shape
    self.preset = preset
    self.isRequired = isRequired
    self.help = help
  }
}

/// A condition between the keys of a section.
enum SchemaRule: Sendable {
  /// At most one of these keys is given (and not empty).
  case atMostOne([String])
  /// Any other condition; returns what is wrong and at which key, or nil.
  case check(@Sendable (SectionValue) -> RuleViolation?)
}

/// A violation of a condition: a message, placed at a key of the section or at the section itself.
struct RuleViolation: Sendable {
  var key: String?
  /// The place of the error; where nil, that of the key.
  var position: YAMLPosition?
  var message: String

  init(_ message: String, at key: String? = nil, position: YAMLPosition? = nil) {
    self.key = key
    self.position = position
    self.message = message
  }
}
