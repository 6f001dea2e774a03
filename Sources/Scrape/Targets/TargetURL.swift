import Format
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
    url += PercentText.encode(labels[TargetLabels.address] ?? "", keeping: hostMarks)
    if !path.isEmpty && !path.hasPrefix("/") { url += "/" }
    url += PercentText.encode(path, keeping: pathMarks)
    let query = query(parameters)
    return query.isEmpty ? url : url + "?" + query
  }

  /// `name=value` of all values, sorted by name.
  private static func query(_ parameters: [String: [String]]) -> String {
    let names = parameters.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return names.flatMap { name in
      (parameters[name] ?? []).map { PercentText.encodeForm(name) + "=" + PercentText.encodeForm($0) }
    }.joined(separator: "&")
  }

  private static let hostMarks: StaticString = "!$&'()*+,;=:[]<>\""
  private static let pathMarks: StaticString = "$&+,/:;=@"
}
