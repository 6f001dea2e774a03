import Format
import HTTP
import Model
import TSDB

/// A server's answer to the request for a snapshot. Prometheus gives the name alone.
struct SnapshotAnswer: Equatable, Sendable {
  struct Block: Equatable, Sendable {
    var ulid: String
    var times: [Int64]
    var series: Int64
    var samples: Int64
    var chunks: Int64
    var bytes: Int64
  }

  var name: String
  var path: String?
  /// Nil: the server gave no counts.
  var blocks: [Block]?
  var warnings: [String] = []

  /// - Parameter server: as it is named in an error.
  init(_ response: ClientResponse, from server: String) throws(TSDBCommandError) {
    let document = response.body.lend { JSONDocument($0) }
    guard response.status == 200 else {
      let reason = document?["error"]?.text
      throw .text(SnapshotAnswer.refusal(response.status, reason, response.header("location"), server))
    }
    guard let document, document["status"]?.text == "success", let data = document["data"],
      let name = data["name"]?.text
    else { throw .text("the answer of \(server) is not that of a Prometheus-compatible server: is the URL right?") }
    guard SnapshotName.isName(name) else {
      throw .text("the answer of \(server) names a snapshot \(quoted(name)), which no snapshot is called")
    }
    self.name = name
    path = data["path"]?.text
    if case .array? = data["blocks"] { blocks = data["blocks"]?.elements.compactMap(SnapshotAnswer.block) }
    warnings = document["warnings"]?.elements.compactMap(\.text) ?? []
  }

  private static func block(_ json: JSONDocument) -> Block? {
    guard let ulid = json["ulid"]?.text, let first = json["minTime"]?.integer, let last = json["maxTime"]?.integer,
      let series = json["numSeries"]?.integer, let samples = json["numSamples"]?.integer,
      let chunks = json["numChunks"]?.integer, let bytes = json["numBytes"]?.integer
    else { return nil }
    return Block(ulid: ulid, times: [first, last], series: series, samples: samples, chunks: chunks, bytes: bytes)
  }

  private static func refusal(_ status: Int, _ reason: String?, _ location: String?, _ server: String) -> String {
    let said = reason.map { ": \($0)" } ?? ""
    switch status {
    case 500 where reason == "admin APIs disabled", 503 where reason == "admin APIs disabled":
      return "the server at \(server) takes no snapshots: it was started without --web.enable-admin-api"
    case 401, 403:
      return "the server at \(server) refuses (\(status)\(said)): name who asks with --user and --password-file, "
        + "--token-file or --header"
    case 404, 405:
      return "there is no snapshot API at \(server) (\(status)): is the URL right, with the prefix of its routes?"
    case 300..<400:
      return "the server at \(server) points elsewhere (\(status)\(location.map { " to \($0)" } ?? "")): name that URL"
    case 503: return "the server at \(server) is not ready (503\(said)): try again in a while"
    default: return "the server at \(server) made no snapshot (\(status)\(said))"
    }
  }
}

extension SnapshotAnswer.Block {
  init(_ block: HeldBlock) {
    ulid = "\(block.ulid)"
    times = [block.minTime, block.maxTime]
    series = block.stats.series
    samples = block.stats.samples
    chunks = block.stats.chunks
    bytes = Int64(block.bytes)
  }
}
