import Format
import HTTP
import Model
import PromQL
import Query
import TSDB
import Workspaces

/// `/api/v1/labels`, `/api/v1/label/{name}/values`, `/api/v1/series`: what there is, without samples. Run on the query
/// pool.
struct LabelEndpoints: Sendable {
  /// Bytes that the labels of a listing of series may take.
  let bytesMax: Int
  let policy: DamagePolicy

  func names(
    _ request: Request, _ workspace: Workspace, _ stop: @escaping StopCheck
  ) throws(APIError) -> Response {
    let selection = try LabelSelection(request)
    let sets = try LabelSelection.matchers(request)
    return try texts(stop) { (notes) throws(QueryStopped) in
      try workspace.database.labelNames(
        matching: sets, from: selection.start, through: selection.end, limit: selection.limit,
        notes: notes, shouldStop: { stop() != nil })
    }
  }

  func values(
    _ request: Request, _ workspace: Workspace, _ stop: @escaping StopCheck
  ) throws(APIError) -> Response {
    let name = EscapedName.unescaped(request.pathBytes("name"))
    guard LabelName.isValid(name) else {
      throw APIError(.badData, "invalid label name: \(QuotedText.double(name[...]))")
    }
    let selection = try LabelSelection(request)
    let sets = try LabelSelection.matchers(request)
    return try texts(stop) { (notes) throws(QueryStopped) in
      try workspace.database.labelValues(
        of: String(decoding: name, as: UTF8.self), matching: sets, from: selection.start, through: selection.end,
        limit: selection.limit, notes: notes, shouldStop: { stop() != nil })
    }
  }

  func series(
    _ request: Request, _ workspace: Workspace, _ stop: @escaping StopCheck
  ) throws(APIError) -> Response {
    if request.parameterValues("match[]").isEmpty { throw APIError(.badData, "no match[] parameter provided") }
    let selection = try LabelSelection(request)
    let sets: [[CompiledMatcher]]
    do throws(APIError) {
      sets = try LabelSelection.matchers(request)
    } catch {
      throw .invalidParameter("match[]", error.message)
    }
    let notes = DamageNotes()
    let found: SeriesCollection
    do throws(QueryStopped) {
      found = try workspace.database.series(
        matching: sets, from: selection.start, through: selection.end, limit: selection.limit, bytesMax: bytesMax,
        notes: notes, shouldStop: { stop() != nil })
    } catch {
      throw APIError(error, stop())
    }
    if found.isTooLarge { return tooLarge.response }
    try check(notes)
    let heldBytes = found.labels.reduce(0) { $0 + $1.packed.count + 64 }
    return JSONAnswer.list(
      found.labels.count, isTruncated: found.isTruncated, warnings: notes.warnings, heldBytes: heldBytes
    ) { index, json in
      json.labels(found.labels[index])
    }
  }

  private var tooLarge: APIError {
    APIError(
      .execution,
      "the labels of the matching series take more than \(bytesMax) bytes (--query.max-bytes): "
        + "narrow match[], start and end, or set a limit")
  }

  /// Prometheus's status and words: there the route is reserved, and deleting is the admin API's (`delete_series`).
  func delete(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    throw APIError(.internalError, "not implemented")
  }

  private func texts(
    _ stop: StopCheck, _ find: (DamageNotes) throws(QueryStopped) -> LabelTexts
  ) throws(APIError) -> Response {
    let notes = DamageNotes()
    let found: LabelTexts
    do throws(QueryStopped) {
      found = try find(notes)
    } catch {
      throw APIError(error, stop())
    }
    try check(notes)
    return JSONAnswer.list(
      found.count, isTruncated: found.isTruncated, warnings: notes.warnings, heldBytes: found.heldBytes
    ) { index, json in
      json.pageString(index, of: found)
    }
  }

  private func check(_ damage: DamageNotes) throws(APIError) {
    try APIError.of { () throws(QueryError) in try policy.check(damage) }
  }
}

/// The parameters that the three endpoints have in common: `limit`, `start`, `end`.
struct LabelSelection {
  let limit: Int
  let start: Int64
  let end: Int64

  init(_ request: Request) throws(APIError) {
    let parameters = Parameters(request: request)
    limit = try parameters.limit()
    start = try parameters.bound("start", .min)
    end = try parameters.bound("end", .max)
  }

  /// The selectors of `match[]`. One that asks for nothing would select everything, and is refused.
  static func matchers(_ request: Request) throws(APIError) -> [[CompiledMatcher]] {
    let sets = try compiled(request.parameterValues("match[]"))
    for set in sets where !Matcher.isSelective(set) { throw APIError(.badData, Matcher.emptyMatchParameterText) }
    return sets
  }

  static func compiled(_ selectors: [String]) throws(APIError) -> [[CompiledMatcher]] {
    try read(selectors) { (text) throws(SelectorFault) in try SelectorText.compile(text) }
  }

  static func parsed(_ selectors: [String]) throws(APIError) -> [[Matcher]] {
    try read(selectors) { (text) throws(SelectorFault) in try SelectorText.parse(text) }
  }

  private static func read<Set>(
    _ selectors: [String], _ read: (String) throws(SelectorFault) -> Set
  ) throws(APIError) -> [Set] {
    do throws(SelectorFault) {
      return try selectors.map(read)
    } catch {
      throw APIError(.badData, error.description)
    }
  }
}
