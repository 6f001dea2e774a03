import Model

extension Schema {
  static let relabel = RelabelRule.section.schema
}
