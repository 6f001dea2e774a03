import Model

/// The address that a target is scraped at, written as Go writes URLs. Pure.
enum TargetURL {
  /// Scheme, address and path of the labels; the query is the job's parameters, the first value of each replaced by
  /// `__param_<name>`.
  static func make(_ labels: Labels, _ options: ScrapeOptions) -> String {
    var parameters: [String: [String]] = [:]
    for parameter in options.parameters { parameters[parameter.name] = parameter.values }
    for (name, value) in labels.pairs where name.hasPrefix(TargetLabels.parameterPrefix) {
      let key = String(name.dropFirst(TargetLabels.parameterPrefix.count))
      var values = parameters[key] ?? []
      if values.isEmpty { values = [value] } else { values[0] = value }
      parameters[key] = values
    }
    let scheme = labels[TargetLabels.scheme] ?? ""
    let path = labels[TargetLabels.metricsPath] ?? ""
    var url = scheme.isEmpty ? "//" : scheme + "://"
    url += escaped(labels[TargetLabels.address] ?? "", hostMarks)
    if !path.isEmpty && !path.hasPrefix("/") { url += "/" }
    url += escaped(path, pathMarks)
    let query = query(parameters)
    return query.isEmpty ? url : url + "?" + query
  }

  /// `name=value` of all values, sorted by name.
  private static func query(_ parameters: [String: [String]]) -> String {
    let names = parameters.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return names.flatMap { name in
      (parameters[name] ?? []).map { queryPart(name) + "=" + queryPart($0) }
    }.joined(separator: "&")
  }

  private static func queryPart(_ text: String) -> String {
    escaped(text, []).split(separator: "%20", omittingEmptySubsequences: false).joined(separator: "+")
  }

  private static let hostMarks = Set("!$&'()*+,;=:[]<>\"".utf8)
  private static let pathMarks = Set("$&+,/:;=@".utf8)
  private static let unreservedMarks = Set("-_.~".utf8)

  /// Letters, digits, `-_.~` and the marks stay, all other bytes become `%XX`.
  private static func escaped(_ text: String, _ marks: Set<UInt8>) -> String {
    var bytes: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
      let isPlain =
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        || unreservedMarks.contains(byte) || marks.contains(byte)
      if isPlain { bytes.append(byte) } else { bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
