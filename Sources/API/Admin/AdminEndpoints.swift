import Access
import Format
import HTTP
import Model
import Platform
import PromQL
import Query
import TSDB

/// The actions of the program that the admin endpoints ask for.
package struct AdminActions: Sendable {
  /// True if data may be deleted and copied through the API (`--web.enable-admin-api`).
  package var isEnabled: Bool
  /// The administration of a workspace (nil: the default one); nil where it is not ready yet.
  package var administration: @Sendable (_ workspace: String?) throws(APIError) -> (any BlockAdmin)?

  package init(
    isEnabled: Bool,
    administration: @escaping @Sendable (_ workspace: String?) throws(APIError) -> (any BlockAdmin)?
  ) {
    self.isEnabled = isEnabled
    self.administration = administration
  }
}

/// `/api/v1/admin/tsdb/...` and `/api/v1/status/tsdb/blocks`. All but the last wait for the disk: they belong on the pool.
package struct AdminEndpoints: Sendable {
  let actions: AdminActions

  package init(actions: AdminActions) { self.actions = actions }

  /// - Parameter run: where what waits for the disk runs.
  func add(to router: inout Router, run: RouteRun, foreignPages: ForeignPages = ForeignPages(WebLinks())) {
    for (path, handler) in [
      ("delete_series", deleteSeries), ("clean_tombstones", cleanTombstones), ("snapshot", snapshot),
    ] {
      router.add([.post, .put], "/api/v1/admin/tsdb/" + path, run: run, action: .admin, foreignPages.refusing(handler))
    }
    router.add(.get, "/api/v1/status/tsdb/blocks", action: .admin, blocks)
  }

  /// Deletes the series of the selectors. Reads all selectors before it acts on the first, so that a wrong one leaves
  /// everything as it was.
  func deleteSeries(_ request: Request) -> Response {
    administer(request) { (admin, parameters) throws(APIError) in
      let texts = request.parameterValues("match[]")
      if texts.isEmpty { throw APIError(.badData, "no match[] parameter provided") }
      let start = try parameters.time("start") ?? .min
      let end = try parameters.time("end") ?? .max
      if end < start { throw .invalidParameter("end", "end timestamp must not be before start time") }
      var selectors: [[CompiledMatcher]] = []
      for text in texts { selectors.append(try AdminEndpoints.selector(text)) }
      // What fails for one of them is told behind the others.
      var failure: APIError?
      for selector in selectors {
        do throws(APIError) {
          try AdminEndpoints.act { () throws(BlockError) in try admin.delete(selector, in: start...end) }
        } catch {
          failure = failure ?? error
        }
      }
      if let failure { throw failure }
      return .noContent
    }
  }

  func cleanTombstones(_ request: Request) -> Response {
    administer(request) { (admin, _) throws(APIError) in
      try AdminEndpoints.act { () throws(BlockError) in try admin.cleanTombstones() }
      return .noContent
    }
  }

  func snapshot(_ request: Request) -> Response {
    administer(request) { (admin, parameters) throws(APIError) in
      let skipsHead = try AdminEndpoints.boolean("skip_head", parameters.text("skip_head"))
      do throws(BlockError) {
        return AdminEndpoints.answer(try admin.snapshot(skipsHead: skipsHead))
      } catch {
        throw APIError(.internalError, "create snapshot: \(error)")
      }
    }
  }

  /// The blocks of a workspace. Needs no `--web.enable-admin-api`, since it changes nothing.
  func blocks(_ request: Request) -> Response {
    do throws(APIError) {
      return AdminEndpoints.blocks(of: try administration(request))
    } catch {
      return error.response
    }
  }

  private static func blocks(of admin: any BlockAdmin) -> Response {
    var json = "{\"blocks\":["
    json += admin.blockMetas.map { String(decoding: $0.json, as: UTF8.self) }.joined(separator: ",") + "]"
    // Only where there is something to tell: Prometheus has neither.
    let damaged = admin.damagedBlocks
    if !damaged.isEmpty { json += ",\"damaged\":[" + damaged.map { "\"\($0)\"" }.joined(separator: ",") + "]" }
    let missing = admin.missingBlocks
    if !missing.isEmpty {
      json += ",\"missing\":[" + missing.map(AdminEndpoints.json).joined(separator: ",") + "]"
    }
    return AdminEndpoints.success(json + "}")
  }

  /// One block as JSON, with the field names of `meta.json`.
  private static func json(_ block: HeldBlock) -> String {
    let (times, stats) = ("\"minTime\":\(block.minTime),\"maxTime\":\(block.maxTime)", block.stats)
    return "{\"ulid\":\"\(block.ulid)\",\(times),\"numSamples\":\(stats.samples),\"numSeries\":\(stats.series)"
      + ",\"numChunks\":\(stats.chunks),\"numBytes\":\(block.bytes)}"
  }

  private static func json(_ missing: MissingBlock) -> String {
    let times = missing.times.map { ",\"minTime\":\($0.lowerBound),\"maxTime\":\($0.upperBound &+ 1)" } ?? ""
    return "{\"ulid\":\"\(missing.ulid)\"\(times),\"reason\":\(JSONBuffer.quoted(missing.reason))}"
  }

  private func administration(_ request: Request) throws(APIError) -> any BlockAdmin {
    guard let admin = try actions.administration(request.workspace) else {
      throw APIError(.unavailable, "TSDB not ready")
    }
    return admin
  }

  private func administer(
    _ request: Request, _ action: (any BlockAdmin, Parameters) throws(APIError) -> Response
  ) -> Response {
    // Prometheus says it with this status; it is no reason to try again.
    guard actions.isEnabled else {
      return .json(
        500, Array("{\"status\":\"error\",\"errorType\":\"unavailable\",\"error\":\"admin APIs disabled\"}".utf8))
    }
    do throws(APIError) {
      return try action(try administration(request), Parameters(request: request))
    } catch {
      return error.response
    }
  }

  private static func selector(_ text: String) throws(APIError) -> [CompiledMatcher] {
    do throws(SelectorFault) {
      return try SelectorText.compile(text)
    } catch {
      throw .invalidParameter("match[]", "\(error)")
    }
  }

  private static func act(_ action: () throws(BlockError) -> Void) throws(APIError) {
    do throws(BlockError) {
      try action()
    } catch {
      throw APIError(.internalError, "\(error)")
    }
  }

  /// The answer to a request for a snapshot; Prometheus's has the name alone. It warns of what this snapshot lacks, and
  /// says what no snapshot holds.
  private static func answer(_ snapshot: TakenSnapshot) -> Response {
    var json = "{\"status\":\"success\",\"data\":{\"name\":\(JSONBuffer.quoted(snapshot.name))"
    json += ",\"path\":\(JSONBuffer.quoted(snapshot.path)),\"blocks\":["
    json += snapshot.blocks.map(AdminEndpoints.json).joined(separator: ",") + "]}"
    if !snapshot.warnings.isEmpty {
      json += ",\"warnings\":[" + snapshot.warnings.map { JSONBuffer.quoted($0) }.joined(separator: ",") + "]"
    }
    json += ",\"infos\":[" + JSONBuffer.quoted(snapshotContents) + "]}"
    return .json(200, Array(json.utf8))
  }

  private static let snapshotContents =
    "a snapshot holds samples and native histograms; blocks have no place for exemplars and metadata"

  /// The words that Go's `ParseBool` knows.
  private static func boolean(_ name: String, _ text: String) throws(APIError) -> Bool {
    switch text {
    case "1", "t", "T", "TRUE", "true", "True": return true
    case "", "0", "f", "F", "FALSE", "false", "False": return false
    default:
      throw .invalidParameter(
        name, "unable to parse boolean: strconv.ParseBool: parsing \(JSONBuffer.quoted(text)): invalid syntax")
    }
  }

  private static func success(_ data: String) -> Response {
    .json(200, Array("{\"status\":\"success\",\"data\":\(data)}".utf8))
  }
}
