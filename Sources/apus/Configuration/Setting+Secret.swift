import Outbound

extension Setting {
  /// Three keys for one secret: as text, as a file that is read at each request, and as a reference, for which there is
  /// no store.
  static func secret(
    _ name: String, _ path: WritableKeyPath<Options, Secret> & Sendable, shape: Shape = .secret
  ) -> [Setting] {
    secret(name, shape: shape) { $0[keyPath: path] = $1 }
  }

  static func secret(
    _ name: String, _ path: WritableKeyPath<Options, Secret?> & Sendable, shape: Shape = .secret
  ) -> [Setting] {
    secret(name, shape: shape) { $0[keyPath: path] = $1 }
  }

  private static func secret(
    _ name: String, shape: Shape, _ take: @escaping @Sendable (inout Options, Secret) -> Void
  ) -> [Setting] {
    [
      .custom(SchemaKey(name, shape)) { section, options in
        if let text = section.text(name), !text.isEmpty { take(&options, .text(text)) }
      },
      .custom(SchemaKey("\(name)_file", .text)) { section, options in
        if let path = section.text("\(name)_file"), !path.isEmpty { take(&options, .file(path)) }
      },
      .unread(SchemaKey("\(name)_ref", .text)),
    ]
  }

  /// A section that may be missing. `prepare` runs before its keys are read, also where it gives none.
  static func optional<Part: Sendable>(
    _ name: String, _ path: WritableKeyPath<Options, Part> & Sendable, _ part: Section<Part>,
    prepare: @escaping @Sendable (inout Options) -> Void = { _ in }
  ) -> Setting {
    Setting(name, key: { _ in SchemaKey(name, .section(part.schema)) }) { section, options, faults in
      guard let value = section.section(name) else { return }
      prepare(&options)
      part.fill(&options[keyPath: path], from: value, &faults)
    }
  }
}
