import Format
import HTTP
import Model
import PromQL

/// `/api/v1/format_query`, `/api/v1/parse_query`: what is answered from the text of a query.
struct ExpressionEndpoints: Sendable {
  let options: ParserOptions

  func format(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    JSONAnswer.success(JSONBuffer.quoted(try expression(request).prettified))
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
