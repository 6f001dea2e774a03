// What a configuration may say, as data: every key with its shape, its default and whether this version serves it. The
// tables are in Schema+*.swift; `SchemaReader` checks a document against them and gives it types.

/// The shape of one value.
indirect enum Shape: Sendable {
  case text
  /// Text that is never shown.
  case secret
  /// A URL; its password is never shown.
  case url
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
  /// A pattern of files: stars only in the last part.
  case filePattern
  /// The name of a label.
  case labelName
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
  /// How messages call it.
  var name: String
  var keys: [SchemaKey]
  /// What must hold between the keys.
  var rules: [SchemaRule]

  private let indexes: [String: Int]

  init(_ name: String, _ keys: [SchemaKey], rules: [SchemaRule] = []) {
    self.name = name
    self.keys = keys
    self.rules = rules
    indexes = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1.name, $0) })
  }

  subscript(name: String) -> SchemaKey? { indexes[name].map { keys[$0] } }
}

struct SchemaKey: Sendable {
  var name: String
  var shape: Shape
  /// In the form of the file (`{}` for a section that is always there); nil where there is none, so that the key is
  /// left out of the printed configuration.
  var preset: String?
  var isRequired: Bool
  /// False: accepted, checked and named in the warning, because nothing of this version looks at it.
  var isServed: Bool
  /// One line for the reference; only for keys that are ours.
  var help: String

  init(
    _ name: String, _ shape: Shape, _ preset: String? = nil, isRequired: Bool = false, isServed: Bool = true,
    help: String = ""
  ) {
    self.name = name
    self.shape = shape
    self.preset = preset
    self.isRequired = isRequired
    self.isServed = isServed
    self.help = help
  }
}

/// A condition between the keys of a section.
enum SchemaRule: Sendable {
  /// At most one of these keys is given (and not empty).
  case atMostOne([String])
  /// Anything else: says what is wrong, and at which key.
  case check(@Sendable (SectionValue) -> RuleViolation?)
}

/// What a rule found: a message, placed at a key of the section or at the section itself.
struct RuleViolation: Sendable {
  var key: String?
  var message: String

  init(_ message: String, at key: String? = nil) {
    self.key = key
    self.message = message
  }
}
