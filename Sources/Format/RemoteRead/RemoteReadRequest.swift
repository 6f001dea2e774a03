import CProtobuf
import Model

/// The request of a remote reader, `prometheus.ReadRequest`. A plain value.
package struct RemoteReadRequest: Sendable, Equatable {
  package struct Query: Sendable, Equatable {
    /// Milliseconds, both included.
    package var start: Int64
    package var end: Int64
    package var matchers: [Matcher]

    package init(start: Int64, end: Int64, matchers: [Matcher]) {
      self.start = start
      self.end = end
      self.matchers = matchers
    }
  }

  package enum ReadError: Error, Equatable, CustomStringConvertible {
    case malformed
    case unknownMatcher
    case tooManyQueries

    package var description: String {
      switch self {
      case .malformed: "not a well-formed read request"
      case .unknownMatcher: "a matcher of an unknown type"
      case .tooManyQueries: "more than \(RemoteReadRequest.queriesMax) queries"
      }
    }
  }

  /// Queries of one request; Prometheus sends one.
  package static let queriesMax = 1024

  package var queries: [Query] = []
  /// True if the reader takes chunks before samples: its first choice that is known counts.
  package var wantsChunks = false

  package init(_ message: UnsafeRawBufferPointer) throws(ReadError) {
    let bytes = message.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard let read = prometheus__read_request__unpack(nil, message.count, bytes) else { throw .malformed }
    defer { prometheus__read_request__free_unpacked(read, nil) }
    if read.pointee.n_queries > RemoteReadRequest.queriesMax { throw .tooManyQueries }
    for index in 0..<read.pointee.n_queries {
      guard let query = read.pointee.queries[index] else { continue }
      var matchers: [Matcher] = []
      for place in 0..<query.pointee.n_matchers {
        guard let matcher = query.pointee.matchers[place]?.pointee else { continue }
        guard let kind = RemoteReadRequest.kind(matcher.type) else { throw .unknownMatcher }
        matchers.append(Matcher(kind, String(cString: matcher.name), String(cString: matcher.value)))
      }
      queries.append(
        Query(start: query.pointee.start_timestamp_ms, end: query.pointee.end_timestamp_ms, matchers: matchers))
    }
    for index in 0..<read.pointee.n_accepted_response_types {
      let type = read.pointee.accepted_response_types[index]
      if type == PROMETHEUS__READ_REQUEST__RESPONSE_TYPE__SAMPLES { break }
      if type == PROMETHEUS__READ_REQUEST__RESPONSE_TYPE__STREAMED_XOR_CHUNKS {
        wantsChunks = true
        break
      }
    }
  }

  private static func kind(_ type: Prometheus__LabelMatcher__Type) -> MatchKind? {
    switch type {
    case PROMETHEUS__LABEL_MATCHER__TYPE__EQ: .equal
    case PROMETHEUS__LABEL_MATCHER__TYPE__NEQ: .notEqual
    case PROMETHEUS__LABEL_MATCHER__TYPE__RE: .regex
    case PROMETHEUS__LABEL_MATCHER__TYPE__NRE: .notRegex
    default: nil
    }
  }
}
