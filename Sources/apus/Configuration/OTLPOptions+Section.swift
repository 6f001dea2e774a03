import Ingest

extension OTLPOptions {
  /// Prometheus's section `otlp`.
  static let section = Section(
    "otlp", OTLPOptions(),
    [
      promoting(SchemaKey("promote_all_resource_attributes", .boolean)),
      promoting(SchemaKey("promote_resource_attributes", .list(.text))),
      promoting(SchemaKey("ignore_resource_attributes", .list(.text))),
      .custom(SchemaKey("translation_strategy", .choice([""] + strategies), OTLPOptions().strategy)) {
        // Others have been refused with the file.
        _ = $1.setStrategy($0.text("translation_strategy") ?? "")
      },
      .boolean("keep_identifying_resource_attributes", \.keepsIdentifyingAttributes, isShown: false),
      .boolean("convert_histograms_to_nhcb", \.makesCustomBuckets, isShown: false),
      .boolean("promote_scope_metadata", \.promotesScope, isShown: false),
      .boolean("label_name_underscore_sanitization", \.prefixesUnderscore, isShown: false),
      .boolean("label_name_preserve_multiple_underscores", \.keepsMultipleUnderscores, isShown: false),
    ], rules: [.check(SchemaRules.attributesAreClear)])

  private static let strategies = [
    "UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes", "NoUTF8EscapingWithSuffixes",
    "NoTranslation",
  ]

  /// The name of the present strategy.
  private var strategy: String {
    let name = OTLPOptions.strategies.first { name in
      var other = self
      return other.setStrategy(name) && other == self
    }
    return name ?? ""
  }

  /// Three keys say together which attributes are promoted; any of them says it anew.
  private static func promoting(_ key: SchemaKey) -> Setting<OTLPOptions> {
    .custom(key) { section, options in
      options.promotion =
        section.boolean("promote_all_resource_attributes") ?? false
        ? .allBut(Set(section.texts("ignore_resource_attributes")))
        : .only(Set(section.texts("promote_resource_attributes")))
    }
  }
}
