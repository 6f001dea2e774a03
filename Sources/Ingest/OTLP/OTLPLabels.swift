import Format

/// The labels of one series while they are gathered: each name once, an empty value for none. Small; a plain value.
struct OTLPLabelSet {
  private(set) var labels: [(name: String, value: String)] = []

  subscript(name: String) -> String { labels.first { $0.name == name }?.value ?? "" }

  mutating func set(_ name: String, _ value: String) {
    if let index = labels.firstIndex(where: { $0.name == name }) {
      labels[index].value = value
    } else {
      labels.append((name, value))
    }
  }
}

/// The labels that a resource and its scope give to each of their series. Made once for many points.
struct OTLPContext {
  let options: OTLPOptions
  let names: OTLPLabelName
  private(set) var job = ""
  private(set) var instance = ""
  private var promoted: [(name: String, value: String)] = []
  private var scope: [(name: String, value: String)] = []

  static let identifyingAttributes = ["service.namespace", "service.name", "service.instance.id"]

  init(_ resource: OTLPResource, _ options: OTLPOptions) throws(OTLPError) {
    self.options = options
    names = OTLPLabelName(options: options)
    func value(_ key: String) -> String? {
      resource.attributes.last { $0.key == key }.map { OTLPValueText.text(of: $0.value) }
    }
    if let name = value("service.name") {
      job = value("service.namespace").map { $0 + "/" + name } ?? name
    }
    instance = value("service.instance.id") ?? ""
    var labels = OTLPLabelSet()
    for attribute in resource.attributes where isPromoted(attribute.key) {
      labels.set(try names.build(attribute.key), OTLPValueText.text(of: attribute.value))
    }
    promoted = labels.labels
  }

  private func isPromoted(_ key: String) -> Bool {
    switch options.promotion {
    case .only(let keys): keys.contains(key)
    case .allBut(let keys): !keys.contains(key)
    }
  }

  /// The scope of the metrics that follow.
  mutating func enter(_ scope: OTLPScope) throws(OTLPError) {
    self.scope = []
    guard options.promotesScope, !scope.name.isEmpty else { return }
    var labels = OTLPLabelSet()
    for attribute in scope.attributes {
      labels.set(try names.build("otel_scope_" + attribute.key), OTLPValueText.text(of: attribute.value))
    }
    labels.set("otel_scope_name", scope.name)
    labels.set("otel_scope_version", scope.version)
    labels.set("otel_scope_schema_url", scope.schemaURL)
    self.scope = labels.labels
  }

  /// The labels of a point, but for its name. Attributes that become one label share it, in the order of their names.
  func labels(of attributes: [OTLPAttribute]) throws(OTLPError) -> OTLPLabelSet {
    var labels = try own(attributes) { $0 != "__name__" }
    for label in promoted where labels[label.name].isEmpty { labels.set(label.name, label.value) }
    addIdentity(to: &labels)
    for label in scope { labels.set(label.name, label.value) }
    return labels
  }

  /// The labels of `target_info`: the attributes of the resource.
  func targetLabels(of attributes: [OTLPAttribute]) throws(OTLPError) -> OTLPLabelSet {
    var labels = try own(attributes) { key in
      options.keepsIdentifyingAttributes || !OTLPContext.identifyingAttributes.contains(key)
    }
    addIdentity(to: &labels)
    return labels
  }

  private func own(_ attributes: [OTLPAttribute], _ isWanted: (String) -> Bool) throws(OTLPError) -> OTLPLabelSet {
    var labels = OTLPLabelSet()
    let sorted = attributes.enumerated().sorted { one, other in
      one.element.key == other.element.key
        ? one.offset < other.offset : one.element.key.utf8.lexicographicallyPrecedes(other.element.key.utf8)
    }
    for (_, attribute) in sorted where isWanted(attribute.key) {
      let value = OTLPValueText.text(of: attribute.value)
      if !options.escapes {
        labels.set(attribute.key, value)
        continue
      }
      let name = try names.build(attribute.key)
      let present = labels[name]
      labels.set(name, present.isEmpty ? value : present + ";" + value)
    }
    return labels
  }

  private func addIdentity(to labels: inout OTLPLabelSet) {
    if !job.isEmpty { labels.set("job", job) }
    if !instance.isEmpty { labels.set("instance", instance) }
  }
}
