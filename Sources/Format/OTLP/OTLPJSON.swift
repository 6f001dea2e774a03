import Model

// The JSON encoding of a push: protobuf's mapping with lowerCamelCase names, 64-bit integers as texts or numbers, ids in
// hexadecimal, enumerations as numbers or by name. Unknown members are skipped.
extension OTLPRequest {
  /// JSON values in one body: each takes about a hundred bytes as a tree.
  package static let jsonValuesMax = 1 << 21

  package init(json bytes: LentBytes) throws(OTLPError) {
    guard OTLPRequest.valueCount(bytes) <= OTLPRequest.jsonValuesMax else {
      throw OTLPError("more than \(OTLPRequest.jsonValuesMax) JSON values")
    }
    guard let document = JSONDocument(bytes), case .object = document else { throw OTLPError("not a JSON object") }
    let reader = OTLPJSONReader(document)
    self.init(resources: try reader.list("resourceMetrics", OTLPResource.init))
  }

  /// At most how many values a text can have: one per comma or opening bracket, and the first.
  private static func valueCount(_ bytes: LentBytes) -> Int {
    var count = 1
    for byte in bytes.raw where byte == UInt8(ascii: ",") || byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
      count += 1
    }
    return count
  }
}

extension OTLPResource {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    attributes = try reader.object("resource")?.attributes() ?? []
    scopes = try reader.list("scopeMetrics", OTLPScope.init)
  }
}

extension OTLPScope {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    schemaURL = try reader.text("schemaUrl")
    if let scope = try reader.object("scope") {
      name = try scope.text("name")
      version = try scope.text("version")
      attributes = try scope.attributes()
    }
    metrics = try reader.list("metrics", OTLPMetric.init)
  }
}

extension OTLPAttribute {
  init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init(try reader.text("key"), try reader.object("value").map(OTLPValue.init) ?? .none)
  }
}

extension OTLPValue {
  /// Nested no deeper than `JSONDocument` reads.
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    if reader.member("stringValue") != nil {
      self = .string(try reader.text("stringValue"))
    } else if reader.member("boolValue") != nil {
      self = .bool(try reader.isTrue("boolValue"))
    } else if reader.member("intValue") != nil {
      self = .integer(try reader.integer("intValue"))
    } else if let number = try reader.double("doubleValue") {
      self = .double(number)
    } else if let array = try reader.object("arrayValue") {
      self = .array(try array.list("values", OTLPValue.init))
    } else if let map = try reader.object("kvlistValue") {
      self = .map(try map.attributes("values"))
    } else if reader.member("bytesValue") != nil {
      guard let bytes = Base64.decode(try reader.text("bytesValue")) else { throw OTLPError("bytesValue is no base64") }
      self = .bytes(bytes)
    } else {
      self = .none
    }
  }
}

extension OTLPMetric {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    name = try reader.text("name")
    help = try reader.text("description")
    unit = try reader.text("unit")
    if let data = try reader.object("gauge") {
      points = .gauge(try data.list("dataPoints", OTLPNumberPoint.init))
    } else if let data = try reader.object("sum") {
      points = .sum(
        try data.list("dataPoints", OTLPNumberPoint.init), try data.temporality(),
        isMonotonic: try data.isTrue("isMonotonic"))
    } else if let data = try reader.object("histogram") {
      points = .histogram(try data.list("dataPoints", OTLPHistogramPoint.init), try data.temporality())
    } else if let data = try reader.object("exponentialHistogram") {
      points = .exponential(try data.list("dataPoints", OTLPExponentialPoint.init), try data.temporality())
    } else if let data = try reader.object("summary") {
      points = .summary(try data.list("dataPoints", OTLPSummaryPoint.init))
    }
  }
}

extension OTLPNumberPoint {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    base = try reader.point()
    value = try reader.value()
    exemplars = try reader.list("exemplars", OTLPExemplar.init)
  }
}

extension OTLPHistogramPoint {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    base = try reader.point()
    count = try reader.integer("count")
    sum = try reader.double("sum")
    buckets = try reader.integers("bucketCounts")
    bounds = try reader.doubles("explicitBounds")
    exemplars = try reader.list("exemplars", OTLPExemplar.init)
  }
}

extension OTLPExponentialPoint {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    base = try reader.point()
    count = try reader.integer("count")
    sum = try reader.double("sum")
    scale = try reader.integer("scale")
    zeroCount = try reader.integer("zeroCount")
    positive = try reader.object("positive").map(Buckets.init) ?? Buckets()
    negative = try reader.object("negative").map(Buckets.init) ?? Buckets()
    exemplars = try reader.list("exemplars", OTLPExemplar.init)
  }
}

extension OTLPExponentialPoint.Buckets {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    offset = try reader.integer("offset")
    counts = try reader.integers("bucketCounts")
  }
}

extension OTLPSummaryPoint {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    base = try reader.point()
    count = try reader.integer("count")
    sum = try reader.double("sum") ?? 0
    quantiles = try reader.list("quantileValues") { (reader: OTLPJSONReader) throws(OTLPError) in
      Quantile(try reader.double("quantile") ?? 0, try reader.double("value") ?? 0)
    }
  }
}

extension OTLPExemplar {
  fileprivate init(_ reader: OTLPJSONReader) throws(OTLPError) {
    self.init()
    attributes = try reader.attributes("filteredAttributes")
    time = try reader.integer("timeUnixNano")
    value = try reader.value()
    traceID = try reader.hexadecimal("traceId")
    spanID = try reader.hexadecimal("spanId")
  }
}
