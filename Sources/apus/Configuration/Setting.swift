import Format
import Model

/// One key of a section, declared beside what takes its value: the row of the schema, the default and the reader are one
/// thing. So a key is served exactly where something reads it.
struct Setting<Options: Sendable>: Sendable {
  /// Takes the key's value over from a section that gives it.
  typealias Reader = @Sendable (SectionValue, inout Options, inout [ConfigurationFault]) -> Void

  let name: String
  /// Makes the row of the schema; its default is the value in these options.
  let key: @Sendable (Options) -> SchemaKey
  /// Nil: nothing of this version looks at the key.
  let read: Reader?
  /// The present value of a whole number, for metrics.
  let number: (@Sendable (Options) -> Int)?

  init(
    _ name: String, key: @escaping @Sendable (Options) -> SchemaKey, number: (@Sendable (Options) -> Int)? = nil,
    read: Reader?
  ) {
    self.name = name
    self.number = number
    self.read = read
    self.key = {
      var key = key($0)
      key.isRead = read != nil
      return key
    }
  }

  /// The same key for options that these are a part of.
  func at<Whole: Sendable>(_ path: WritableKeyPath<Whole, Options> & Sendable) -> Setting<Whole> {
    let (key, number, read) = (key, number, read)
    var wholeNumber: (@Sendable (Whole) -> Int)?
    if let number { wholeNumber = { number($0[keyPath: path]) } }
    var wholeRead: Setting<Whole>.Reader?
    if let read {
      wholeRead = { section, whole, faults in read(section, &whole[keyPath: path], &faults) }
    }
    return Setting<Whole>(name, key: { key($0[keyPath: path]) }, number: wholeNumber, read: wholeRead)
  }
}

// One maker for each shape. `isShown: false` leaves the default out of the printed configuration.
extension Setting {
  /// A key that is checked and has no effect in this version.
  static func unread(_ key: SchemaKey) -> Setting { Setting(key.name, key: { _ in key }, read: nil) }

  /// A key whose value needs more than one line to take over.
  static func custom(_ key: SchemaKey, _ read: @escaping @Sendable (SectionValue, inout Options) -> Void) -> Setting {
    Setting(key.name, key: { _ in key }) { section, options, _ in read(section, &options) }
  }

  static func integer(
    _ name: String, _ path: WritableKeyPath<Options, Int> & Sendable, shape: Shape = .count, isRequired: Bool = false,
    help: String = ""
  ) -> Setting {
    Setting(
      name,
      key: {
        SchemaKey(name, shape, isRequired ? nil : String($0[keyPath: path]), isRequired: isRequired, help: help)
      }, number: { $0[keyPath: path] }
    ) { section, options, _ in
      if let value = section.integer(name) { options[keyPath: path] = value }
    }
  }

  static func size(
    _ name: String, _ path: WritableKeyPath<Options, Int> & Sendable, isShown: Bool = true, help: String = ""
  ) -> Setting {
    Setting(
      name, key: { SchemaKey(name, .size, isShown ? ByteSizeText.format(Int64($0[keyPath: path])) : nil, help: help) }
    ) { section, options, _ in
      if let value = section.bytes(name) { options[keyPath: path] = value }
    }
  }

  static func number(
    _ name: String, _ path: WritableKeyPath<Options, Double> & Sendable, in range: ClosedRange<Double>,
    help: String = ""
  ) -> Setting {
    Setting(name, key: { _ in SchemaKey(name, .number(range), help: help) }) { section, options, _ in
      if let value = section.number(name) { options[keyPath: path] = value }
    }
  }

  static func duration(
    _ name: String, _ path: WritableKeyPath<Options, Int64> & Sendable, isRequired: Bool = false, isShown: Bool = true,
    help: String = ""
  ) -> Setting {
    Setting(
      name,
      key: {
        let preset = isShown && !isRequired ? DurationText.format($0[keyPath: path]) : nil
        return SchemaKey(name, .duration, preset, isRequired: isRequired, help: help)
      }
    ) { section, options, _ in
      if let value = section.milliseconds(name) { options[keyPath: path] = value }
    }
  }

  static func boolean(
    _ name: String, _ path: WritableKeyPath<Options, Bool> & Sendable, isShown: Bool = true, help: String = ""
  ) -> Setting {
    Setting(name, key: { SchemaKey(name, .boolean, isShown ? String($0[keyPath: path]) : nil, help: help) }) {
      section, options, _ in
      if let value = section.boolean(name) { options[keyPath: path] = value }
    }
  }

  static func text(
    _ name: String, _ path: WritableKeyPath<Options, String> & Sendable, shape: Shape = .text, isRequired: Bool = false,
    isShown: Bool = true, help: String = ""
  ) -> Setting {
    Setting(
      name,
      key: {
        let preset = isShown && !isRequired ? $0[keyPath: path] : nil
        return SchemaKey(name, shape, preset, isRequired: isRequired, help: help)
      }
    ) { section, options, _ in
      if let value = section.text(name) { options[keyPath: path] = value }
    }
  }

  static func texts(
    _ name: String, _ path: WritableKeyPath<Options, [String]> & Sendable, element: Shape = .text, help: String = ""
  ) -> Setting {
    Setting(name, key: { _ in SchemaKey(name, .list(element), help: help) }) { section, options, _ in
      options[keyPath: path] = section.texts(name)
    }
  }

  static func labels(
    _ name: String, _ path: WritableKeyPath<Options, Labels> & Sendable, isRequired: Bool = false, help: String = ""
  ) -> Setting {
    Setting(name, key: { _ in SchemaKey(name, .labels, isRequired: isRequired, help: help) }) { section, options, _ in
      options[keyPath: path] = Labels(section.pairs(name))
    }
  }

  /// A section that is always there, given or not.
  static func section<Part: Sendable>(
    _ name: String, _ path: WritableKeyPath<Options, Part> & Sendable, _ part: Section<Part>, help: String = ""
  ) -> Setting {
    Setting(name, key: { _ in SchemaKey(name, .section(part.schema), "{}", help: help) }) { section, options, faults in
      if let value = section.section(name) { part.fill(&options[keyPath: path], from: value, &faults) }
    }
  }

  /// A list of sections, each read into a copy of `element`'s defaults.
  static func sections<Element: Sendable>(
    _ name: String, _ path: WritableKeyPath<Options, [Element]> & Sendable, _ element: Section<Element>,
    help: String = ""
  ) -> Setting {
    Setting(name, key: { _ in SchemaKey(name, .list(.section(element.schema)), help: help) }) {
      section, options, faults in
      options[keyPath: path] = section.sections(name).map { value in
        var made = element.defaults
        element.fill(&made, from: value, &faults)
        return made
      }
    }
  }
}
