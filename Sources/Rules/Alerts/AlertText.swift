/// The text of a label or annotation of an alerting rule: plain, or a template. A value.
struct AlertText: Sendable {
  let name: String
  private let text: String

  init(_ field: TemplateField, ofAlert alert: String) {
    name = field.name
    text = field.text
  }

  /// The text for one alert; where the template fails, the error in its place.
  func expand(_ context: TemplateContext, _ evaluation: inout AlertEvaluation) -> String {
    evaluation.count(nil)
    return text
  }
}
