import Format
import HTTP
import Model
import PromQL
import Workspaces

/// `/api/v1/format_query`, `/api/v1/parse_query`: answers that need only the text of a query.
struct ExpressionEndpoints: Sendable {
  let options: ParserOptions

  func format(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    guard let text = try expression(request).prettified else {
      let bytes = Expression.prettifiedBytesMaximum
      throw .invalidParameter("query", "the formatted query would be longer than \(bytes) bytes")
    }
    return JSONAnswer.success(JSONBuffer.quoted(text))
  }

  func parse(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    JSONAnswer.success(TreeJSON.text(of: try expression(request)))
  }

  private func expression(_ request: Request) throws(APIError) -> Expression {
    do throws(ParseError) {
      return try Parser.parse(Parameters(request: request).text("query"), options: options)
    } catch {
      throw .invalidParameter("query", error.description)
    }
  }
}
