/// The operations that are served, each with its handler. A value while it is gathered, then immutable.
package struct ManagementTable: Sendable {
  package typealias Handler = @Sendable (ManagementRequest) throws(ManagementError) -> ManagementAnswer

  private var handlers: [ManagementOperation: Handler] = [:]

  /// Nil: no call is known to be a repetition.
  private let tokens: ClientTokens?

  package init(tokens: ClientTokens? = nil) { self.tokens = tokens }

  /// An operation that has a handler already is a mistake of the program and traps.
  package mutating func add(_ operation: ManagementOperation, _ handler: @escaping Handler) {
    precondition(handlers[operation] == nil, "\(operation.rawValue) has a handler")
    handlers[operation] = handler
  }

  package func answer(_ request: ManagementRequest) throws(ManagementError) -> ManagementAnswer {
    guard let handler = handlers[request.operation] else {
      throw .notServed("this server does not serve \(request.operation.rawValue)")
    }
    guard request.operation.isChange, let token = try request.clientToken(), let tokens else {
      return try handler(request)
    }
    return try tokens.answer(request, token: token, handler)
  }
}
