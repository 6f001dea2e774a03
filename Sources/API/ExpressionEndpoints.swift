import Format
import HTTP
import Model
import PromQL

/// `/api/v1/format_query`, `/api/v1/parse_query`, `/api/v1/query_exemplars`: what is answered from the text of a query.
struct ExpressionEndpoints: Sendable {
  let options: ParserOptions

  func format(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    JSONAnswer.success(JSONBuffer.quoted(try expression(request).prettified))
  }

  func parse(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    JSONAnswer.success(TreeJSON.text(of: try expression(request)))
  }

  /// No exemplars are stored yet, so that every good request has an empty answer.
  func exemplars(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let parameters = Parameters(request: request)
    let start = try parameters.bound("start", .min)
    if try parameters.bound("end", .max) < start {
      throw APIError(.badData, "end timestamp must not be before start timestamp")
    }
    do throws(ParseError) {
      let expression = try Parser.parse(parameters.text("query"), options: options)
      return expression.hasSelector ? JSONAnswer.success("[]") : .noContent
    } catch {
      throw APIError(.badData, error.description)
    }
  }

  private func expression(_ request: Request) throws(APIError) -> Expression {
    do throws(ParseError) {
      return try Parser.parse(Parameters(request: request).text("query"), options: options)
    } catch {
      throw .invalidParameter("query", error.description)
    }
  }
}

extension Expression {
  /// Whether it asks for any series.
  var hasSelector: Bool {
    switch self {
    case .number, .string: false
    case .selector, .matrix: true
    case .subquery(let node): node.expression.hasSelector
    case .call(let node): node.arguments.contains(where: \.hasSelector)
    case .aggregation(let node): node.expression.hasSelector || node.parameter?.hasSelector ?? false
    case .binary(let node): node.left.hasSelector || node.right.hasSelector
    case .unary(let node): node.expression.hasSelector
    case .paren(let node): node.expression.hasSelector
    }
  }
}
