import Format
import HTTP
import Model
import Platform
import PromQL
import Query
import Workspaces

/// Bounds of remote read, from the command line.
package struct RemoteReadOptions: Sendable {
  /// Samples of an answer that is not streamed; 0: no limit.
  package var samplesMax = 50_000_000
  /// Bytes of a frame of a streamed answer, about.
  package var frameBytesMax = 1 << 20
  /// Bytes of an answer that is not streamed.
  package var answerBytesMax = 128 << 20
  /// Bytes of a request, decompressed.
  package var requestBytesMax = 32 << 20

  package init() {}
}

/// `POST /api/v1/read`: whole samples in one snappy block, or XOR chunks streamed series by series. Runs on a pool of its
/// own. Damage in a block ends it: what is read is kept elsewhere, and a part must not be taken for the whole. A stream that
/// has begun is broken off, which its reader sees.
struct RemoteReadEndpoint: Sendable {
  let options: RemoteReadOptions
  let externalLabels: @Sendable () -> Labels
  let queries: QueryService

  func handle(_ request: Request, _ workspace: Workspace) -> Response {
    do throws(APIError) {
      let read = try decode(request)
      let querier = queries.querier(over: workspace.database)
      let stop = queries.stopCheck(QueryTerms(of: request))
      if read.wantsChunks { return try chunks(read, querier, stop) }
      return try samples(read, querier, stop)
    } catch {
      return .text(error.status, error.message)
    }
  }

  private func decode(_ request: Request) throws(APIError) -> RemoteReadRequest {
    var decoded = ByteBuffer(capacity: 1024)
    do throws(CompressionError) {
      try request.decodeSnappy(into: &decoded, decodedBytesMax: options.requestBytesMax)
    } catch {
      throw APIError(.badData, error == .corrupt ? "snappy: corrupt input" : "snappy: \(error)")
    }
    do throws(RemoteReadRequest.ReadError) {
      return try RemoteReadRequest(decoded)
    } catch {
      switch error {
      case .malformed: throw APIError(.badData, "the body is not a prometheus.ReadRequest")
      case .unknownMatcher: throw APIError(.badData, "invalid matcher type")
      case .tooManyQueries: throw APIError(.badData, "more than \(RemoteReadRequest.queriesMax) queries")
      }
    }
  }

  /// An external label is no label of a stored series: a matcher that asks for it asks for none.
  private func matchers(_ query: RemoteReadRequest.Query, _ external: Labels) -> [Matcher] {
    query.matchers.map { matcher in
      let isExternal = matcher.kind == .equal && (external[matcher.name] ?? "") == matcher.value
      return isExternal ? Matcher(.equal, matcher.name, "") : matcher
    }
  }

  private func find(
    _ query: RemoteReadRequest.Query, _ external: Labels, _ querier: Querier, _ stop: @escaping StopCheck
  ) throws(APIError) -> StoredSeries {
    try APIError.of { () throws(QueryError) in
      try querier.select(
        matchers(query, external), from: query.start, through: query.end, damage: .failsCopy, stop: stop)
    }
  }

  private func samples(
    _ read: RemoteReadRequest, _ querier: Querier, _ stop: @escaping StopCheck
  ) throws(APIError) -> Response {
    let external = externalLabels()
    var message = ByteBuffer(capacity: 64 << 10)
    var result = ByteBuffer(capacity: 64 << 10)
    var writer = RemoteReadWriter()
    var column = SampleColumn()
    var samplesLeft = options.samplesMax == 0 ? Int.max : options.samplesMax
    for query in read.queries {
      result.removeAll()
      let found = try find(query, external, querier, stop)
      let reader = found.makeReader()
      for index in 0..<found.count {
        if let reason = stop() { throw APIError(QueryError(reason)) }
        try APIError.of { () throws(QueryError) in try reader.read(index, into: &column) }
        if column.isEmpty { continue }
        samplesLeft -= column.count
        if samplesLeft < 0 { throw APIError(.badData, "exceeded sample limit (\(options.samplesMax))") }
        writer.appendSeries(
          found.labels[index].adding(external), column.timestamps, column.values,
          RemoteReadEndpoint.histograms(column), to: &result)
        if message.count + result.count > options.answerBytesMax {
          throw APIError(.badData, "exceeded answer limit (\(options.answerBytesMax) bytes)")
        }
      }
      RemoteReadWriter.appendField(0x0a, result, to: &message)
    }
    var response = Response(contentType: .protobuf, body: .bytes(Snappy.encoded(message)))
    response.headers = [("Content-Encoding", "snappy")]
    response.mayCompress = false
    return response
  }

  private func chunks(
    _ read: RemoteReadRequest, _ querier: Querier, _ stop: @escaping StopCheck
  ) throws(APIError) -> Response {
    let external = externalLabels()
    // Whatever a request gets wrong is known before the first frame.
    var found: [StoredSeries] = []
    for query in read.queries { found.append(try find(query, external, querier, stop)) }
    let heldBytes = found.reduce(0) { total, selection in
      selection.labels.reduce(total) { $0 + $1.packed.count + 64 }
    }
    let pieces = Exclusive(RemoteReadPieces(found, external, frameBytesMax: options.frameBytesMax, stop))
    var response = Response(
      contentType: .streamedProtobuf,
      body: .pieces(heldBytes: heldBytes) { (writer) throws(StreamError) in
        try pieces.use { (pieces) throws(StreamError) in try pieces.next(writer) }
      })
    response.mayCompress = false
    return response
  }

  /// Histograms with their counts as floats, which says the same of any histogram.
  static func histograms(_ column: SampleColumn) -> HistogramColumn {
    var histograms = HistogramColumn()
    for (time, histogram) in zip(column.histogramTimestamps, column.histograms) {
      histograms.append(time, histogram, isFloat: true)
    }
    return histograms
  }
}

extension Labels {
  /// The labels, and those of `others` whose names they do not have.
  func adding(_ others: Labels) -> Labels {
    if others.isEmpty { return self }
    return Labels(others.pairs + pairs)
  }
}

extension APIError {
  var status: Int { kind.status }
}

extension ContentType {
  static let streamedProtobuf = ContentType("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
}
