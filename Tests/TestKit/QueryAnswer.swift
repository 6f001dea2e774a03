/// The answer of `/api/v1/query` or `/api/v1/query_range`, read apart from the code that writes it. A plain value.
package struct QueryAnswer: Sendable {
  package struct Series: Sendable {
    package var labels: [String: String]
    package var points: [Point]
  }

  package struct Point: Sendable, Equatable {
    package var timestampMilliseconds: Int64
    package var value: Double

    package init(timestampMilliseconds: Int64, value: Double) {
      self.timestampMilliseconds = timestampMilliseconds
      self.value = value
    }
  }

  package struct Refusal: Error, CustomStringConvertible {
    package var status: Int
    package var body: String
    package var description: String { "query answered \(status): \(body.prefix(500))" }

    package init(status: Int, body: String) {
      self.status = status
      self.body = body
    }
  }

  /// `vector`, `matrix` or `scalar`.
  package var type: String
  package var series: [Series]

  package init(_ answer: HTTPAnswer) throws {
    let refusal = Refusal(status: answer.status, body: answer.text)
    guard answer.status == 200 else { throw refusal }
    let json = try JSONValue(parsing: answer.body)
    guard json["status"].string == "success", let type = json["data"]["resultType"].string,
      let result = json["data"]["result"].array
    else { throw refusal }
    self.type = type
    if type == "scalar" {
      series = [Series(labels: [:], points: [try Self.point(json["data"]["result"], refusal)])]
      return
    }
    series = try result.map { entry in
      var labels: [String: String] = [:]
      for member in entry["metric"].members ?? [] { labels[member.name] = member.value.string }
      let points = entry["values"].array ?? [entry["value"]]
      return Series(labels: labels, points: try points.map { try Self.point($0, refusal) })
    }
  }

  private static func point(_ json: JSONValue, _ refusal: Refusal) throws -> Point {
    guard let seconds = json[0].number, let text = json[1].string, let value = Double(text) else { throw refusal }
    return Point(timestampMilliseconds: Int64((seconds * 1000).rounded()), value: value)
  }
}

extension ServerProcess {
  /// An instant query; now unless a time is given.
  package func query(_ expression: String, at milliseconds: Int64? = nil) throws -> QueryAnswer {
    let time = milliseconds.map { "&time=\($0 / 1000).\(paddedThousandths($0 % 1000))" } ?? ""
    return try QueryAnswer(get("/api/v1/query?query=\(percentEncoded(expression))\(time)"))
  }
}

private func paddedThousandths(_ value: Int64) -> String { String(String(1000 + value).dropFirst()) }
