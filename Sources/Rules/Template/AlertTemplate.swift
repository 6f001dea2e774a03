import Model
import PromQL

/// The text of a label or annotation of an alert, compiled: Go's text/template with the functions of Prometheus. Immutable.
package struct AlertTemplate: Sendable {
  /// The definitions that Prometheus puts before each text, in its spelling: places in errors count from there.
  private static let prefix =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

  /// The template of a text that nothing has to be done for.
  private let plain: String?
  private let title: String
  private let text: [UInt8]
  private let trees: [String: TemplateNode]
  /// The tree behind the definitions.
  private let nodes: ArraySlice<TemplateNode>

  /// `name`: that of the alert.
  package init(_ text: String, name: String) throws(TemplateError) {
    title = "__alert_" + name
    if text.utf8.count > TemplateLimits.textBytesMax {
      throw TemplateError(
        "template: \(title):1: the text has \(text.utf8.count) bytes, and \(TemplateLimits.textBytesMax) are the most: "
          + "make it shorter")
    }
    if !text.utf8.contains(UInt8(ascii: "{")) || !AlertTemplate.hasAction(Array(text.utf8)) {
      plain = text
      (self.text, trees, nodes) = ([], [:], [])
      return
    }
    plain = nil
    self.text = Array((AlertTemplate.prefix + text).utf8)
    let trees = TemplateTrees()
    var parser = TemplateParser(title: title, lexer: TemplateLexer(self.text), trees: trees)
    try parser.parse()
    self.trees = trees.all
    // The name may be defined anew by the text; Go refuses that unless it is blank.
    guard case .list(let nodes)? = trees.all[title]?.kind else {
      self.nodes = []
      return
    }
    self.nodes = nodes.dropFirst(4)
  }

  private static func hasAction(_ text: [UInt8]) -> Bool {
    zip(text, text.dropFirst()).contains { $0 == UInt8(ascii: "{") && $1 == UInt8(ascii: "{") }
  }

  /// True if the text has no actions, so that it is the same for every alert.
  package var isPlain: Bool { plain != nil }

  /// True if the text asks for the value: a label that does makes another alert of each value.
  package var usesValue: Bool {
    trees.contains { $0.key != title && $0.value.usesValue } || nodes.contains { $0.usesValue }
  }

  /// The text for one alert. Where it fails, the error, and what Prometheus puts into the field: all of the field tells of
  /// the error.
  package func expand(_ context: TemplateContext) -> (text: String, error: TemplateError?) {
    expand(context, limits: TemplateLimits())
  }

  package func expand(
    _ context: TemplateContext, limits: TemplateLimits
  ) -> (text: String, error: TemplateError?) {
    if let plain { return (plain, nil) }
    var evaluator = TemplateEvaluator(title: title, text: text, trees: trees, context: context, limits: limits)
    evaluator.declare("$labels", .labels(context.labels))
    evaluator.declare("$externalLabels", .labels(context.externalLabels))
    evaluator.declare("$externalURL", TemplateValue(context.externalURL))
    evaluator.declare("$value", TemplateValue(context.value))
    do throws(TemplateError) {
      _ = try evaluator.walk(.root, nodes)
      return (String(decoding: evaluator.output, as: UTF8.self), nil)
    } catch {
      let error = TemplateError("error executing template \(title): \(error.description)")
      return ("<error expanding template: \(error.description)>", error)
    }
  }
}

extension TemplateNode {
  /// True if the tree has `$value`, or `.Value` of the alert itself.
  fileprivate var usesValue: Bool {
    switch kind {
    case .list(let nodes), .command(let nodes): nodes.contains { $0.usesValue }
    case .action(let pipe): pipe.usesValue
    case .branch(let branch):
      branch.pipe.usesValue || branch.list.usesValue || branch.elseList?.usesValue == true
    case .template(_, let pipe): pipe?.usesValue == true
    case .pipe(let pipe): pipe.commands.contains { $0.usesValue }
    case .variable(let names): names[0] == "$value" || names.starts(with: ["$", "Value"])
    case .field(let names): names[0] == "Value"
    case .chain(let node, _): node.usesValue
    default: false
    }
  }
}
