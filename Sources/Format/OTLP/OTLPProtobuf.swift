import CProtobuf

// The protobuf encoding of a push, through protobuf-c.
extension OTLPRequest {
  /// Bytes that one body may take when it is unpacked.
  package static let unpackedBytesMax = 256 << 20

  package init(protobuf bytes: UnsafeRawBufferPointer) throws(OTLPError) {
    self.init()
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    let bounds = withUnsafePointer(to: otlp__export_metrics_service_request__descriptor) {
      MessageBounds.memory(bytes, $0, bytesMax: OTLPRequest.unpackedBytesMax)
    }
    guard bounds != nil else {
      throw OTLPError("not an ExportMetricsServiceRequest, nested too deep, or too large")
    }
    let message = otlp__export_metrics_service_request__unpack(
      nil, bytes.count, start.assumingMemoryBound(to: UInt8.self))
    guard let message else { throw OTLPError("not an ExportMetricsServiceRequest") }
    defer { otlp__export_metrics_service_request__free_unpacked(message, nil) }
    resources = list(message.pointee.resource_metrics, message.pointee.n_resource_metrics, OTLPResource.init)
  }
}

/// The elements of one of protobuf-c's lists.
private func list<Message, Value>(
  _ start: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int, _ read: (Message) -> Value
) -> [Value] {
  guard let start else { return [] }
  return (0..<count).compactMap { index in start[index].map { read($0.pointee) } }
}

private func text(_ start: UnsafePointer<CChar>?) -> String { start.map { String(cString: $0) } ?? "" }

private func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
  Array(UnsafeBufferPointer(start: data.data, count: data.len))
}

private func numbers<Number>(_ start: UnsafeMutablePointer<Number>?, _ count: Int) -> [Number] {
  Array(UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
}

private func temporality(_ number: Otlp__AggregationTemporality) -> OTLPTemporality {
  switch number {
  case OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA: .delta
  case OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE: .cumulative
  default: .unspecified
  }
}

extension OTLPResource {
  fileprivate init(_ message: Otlp__ResourceMetrics) {
    self.init()
    if let resource = message.resource?.pointee {
      attributes = list(resource.attributes, resource.n_attributes, OTLPAttribute.init)
    }
    scopes = list(message.scope_metrics, message.n_scope_metrics, OTLPScope.init)
  }
}

extension OTLPScope {
  fileprivate init(_ message: Otlp__ScopeMetrics) {
    self.init()
    schemaURL = text(message.schema_url)
    if let scope = message.scope?.pointee {
      name = text(scope.name)
      version = text(scope.version)
      attributes = list(scope.attributes, scope.n_attributes, OTLPAttribute.init)
    }
    metrics = list(message.metrics, message.n_metrics, OTLPMetric.init)
  }
}

extension OTLPAttribute {
  fileprivate init(_ message: Otlp__KeyValue) {
    self.init(text(message.key), message.value.map { OTLPValue($0.pointee) } ?? .none)
  }
}

extension OTLPValue {
  /// Nested no deeper than `MessageBounds` lets through.
  fileprivate init(_ message: Otlp__AnyValue) {
    switch message.value_case {
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE: self = .string(text(message.string_value))
    case OTLP__ANY_VALUE__VALUE_BOOL_VALUE: self = .bool(message.bool_value != 0)
    case OTLP__ANY_VALUE__VALUE_INT_VALUE: self = .integer(message.int_value)
    case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE: self = .double(message.double_value)
    case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
      self = .array(message.array_value.map { list($0.pointee.values, $0.pointee.n_values, OTLPValue.init) } ?? [])
    case OTLP__ANY_VALUE__VALUE_KVLIST_VALUE:
      self = .map(message.kvlist_value.map { list($0.pointee.values, $0.pointee.n_values, OTLPAttribute.init) } ?? [])
    case OTLP__ANY_VALUE__VALUE_BYTES_VALUE: self = .bytes(Format.bytes(message.bytes_value))
    default: self = .none
    }
  }
}

extension OTLPMetric {
  fileprivate init(_ message: Otlp__Metric) {
    self.init()
    name = text(message.name)
    help = text(message.description)
    unit = text(message.unit)
    switch message.data_case {
    case OTLP__METRIC__DATA_GAUGE:
      guard let data = message.gauge?.pointee else { return }
      points = .gauge(list(data.data_points, data.n_data_points, OTLPNumberPoint.init))
    case OTLP__METRIC__DATA_SUM:
      guard let data = message.sum?.pointee else { return }
      points = .sum(
        list(data.data_points, data.n_data_points, OTLPNumberPoint.init),
        Format.temporality(data.aggregation_temporality), isMonotonic: data.is_monotonic != 0)
    case OTLP__METRIC__DATA_HISTOGRAM:
      guard let data = message.histogram?.pointee else { return }
      points = .histogram(
        list(data.data_points, data.n_data_points, OTLPHistogramPoint.init),
        Format.temporality(data.aggregation_temporality))
    case OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM:
      guard let data = message.exponential_histogram?.pointee else { return }
      points = .exponential(
        list(data.data_points, data.n_data_points, OTLPExponentialPoint.init),
        Format.temporality(data.aggregation_temporality))
    case OTLP__METRIC__DATA_SUMMARY:
      guard let data = message.summary?.pointee else { return }
      points = .summary(list(data.data_points, data.n_data_points, OTLPSummaryPoint.init))
    default: return
    }
  }
}

extension OTLPPoint {
  fileprivate init(_ attributes: [OTLPAttribute], start: UInt64, time: UInt64, flags: UInt32) {
    self.init()
    self.attributes = attributes
    startTime = start
    self.time = time
    self.flags = flags
  }
}

extension OTLPNumberPoint {
  fileprivate init(_ message: Otlp__NumberDataPoint) {
    self.init()
    base = OTLPPoint(
      list(message.attributes, message.n_attributes, OTLPAttribute.init), start: message.start_time_unix_nano,
      time: message.time_unix_nano, flags: message.flags)
    switch message.value_case {
    case OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE: value = message.as_double
    case OTLP__NUMBER_DATA_POINT__VALUE_AS_INT: value = Double(message.as_int)
    default: break
    }
    exemplars = list(message.exemplars, message.n_exemplars, OTLPExemplar.init)
  }
}

extension OTLPHistogramPoint {
  fileprivate init(_ message: Otlp__HistogramDataPoint) {
    self.init()
    base = OTLPPoint(
      list(message.attributes, message.n_attributes, OTLPAttribute.init), start: message.start_time_unix_nano,
      time: message.time_unix_nano, flags: message.flags)
    count = message.count
    sum = message.optional_sum_case == OTLP__HISTOGRAM_DATA_POINT__OPTIONAL_SUM_SUM ? message.sum : nil
    buckets = numbers(message.bucket_counts, message.n_bucket_counts)
    bounds = numbers(message.explicit_bounds, message.n_explicit_bounds)
    exemplars = list(message.exemplars, message.n_exemplars, OTLPExemplar.init)
  }
}

extension OTLPExponentialPoint {
  fileprivate init(_ message: Otlp__ExponentialHistogramDataPoint) {
    self.init()
    base = OTLPPoint(
      list(message.attributes, message.n_attributes, OTLPAttribute.init), start: message.start_time_unix_nano,
      time: message.time_unix_nano, flags: message.flags)
    count = message.count
    sum = message.optional_sum_case == OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__OPTIONAL_SUM_SUM ? message.sum : nil
    scale = message.scale
    zeroCount = message.zero_count
    positive = Buckets(message.positive)
    negative = Buckets(message.negative)
    exemplars = list(message.exemplars, message.n_exemplars, OTLPExemplar.init)
  }
}

extension OTLPExponentialPoint.Buckets {
  fileprivate init(_ message: UnsafeMutablePointer<Otlp__Buckets>?) {
    self.init()
    guard let message = message?.pointee else { return }
    offset = message.offset
    counts = numbers(message.bucket_counts, message.n_bucket_counts)
  }
}

extension OTLPSummaryPoint {
  fileprivate init(_ message: Otlp__SummaryDataPoint) {
    self.init()
    base = OTLPPoint(
      list(message.attributes, message.n_attributes, OTLPAttribute.init), start: message.start_time_unix_nano,
      time: message.time_unix_nano, flags: message.flags)
    count = message.count
    sum = message.sum
    quantiles = list(message.quantile_values, message.n_quantile_values) { Quantile($0.quantile, $0.value) }
  }
}

extension OTLPExemplar {
  fileprivate init(_ message: Otlp__Exemplar) {
    self.init()
    attributes = list(message.filtered_attributes, message.n_filtered_attributes, OTLPAttribute.init)
    time = message.time_unix_nano
    switch message.value_case {
    case OTLP__EXEMPLAR__VALUE_AS_DOUBLE: value = message.as_double
    case OTLP__EXEMPLAR__VALUE_AS_INT: value = Double(message.as_int)
    default: break
    }
    traceID = bytes(message.trace_id)
    spanID = bytes(message.span_id)
  }
}
