/// The text of a label or annotation of an alerting rule: plain, a template, or one that cannot be read. A value.
struct AlertText: Sendable {
  private enum Content: Sendable {
    case template(AlertTemplate)
    /// The text in its place, and the error. Rule files are checked; labels of groups are not.
    case unreadable(String, TemplateError)
  }

  let name: String
  private let content: Content

  init(_ field: TemplateField, ofAlert alert: String) {
    name = field.name
    do throws(TemplateError) {
      content = .template(try AlertTemplate(field.text, name: alert))
    } catch {
      let error = TemplateError("error parsing template __alert_\(alert): \(error.description)")
      content = .unreadable("<error expanding template: \(error.description)>", error)
    }
  }

  /// True if the text is the same for every alert, and no failure.
  var isPlain: Bool {
    guard case .template(let template) = content else { return false }
    return template.isPlain
  }

  /// The text for one alert; where the template fails, the error in its place.
  func expand(_ context: TemplateContext, _ evaluation: inout AlertEvaluation) -> String {
    switch content {
    case .template(let template):
      let (text, error) = template.expand(context)
      if !template.isPlain { evaluation.count(error) }
      return text
    case .unreadable(let text, let error):
      evaluation.count(error)
      return text
    }
  }
}
