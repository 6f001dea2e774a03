import Model

/// The address at which a service of a region answers. Pure.
enum AWSEndpoint {
  /// Host names of regions outside of the common partition, by the beginning of the region's name.
  private static let domains = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"), ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"), ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"), ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
  ]

  /// `https://ec2.eu-central-1.amazonaws.com/`, or what `given` or the environment (AWS_ENDPOINT_URL_EC2,
  /// AWS_ENDPOINT_URL) says.
  static func url(
    _ service: AWSService.Kind, region: String, given: String, _ surroundings: AWSSurroundings
  ) throws(AWSError) -> String {
    let isLabel = region.utf8.allSatisfy {
      $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
        || $0 == UInt8(ascii: "-")
    }
    if !isLabel || region.isEmpty || region.utf8.count > 63 { throw AWSError("\(quoted(region)) is no AWS region") }
    if let chosen = chosen(service, given: given, surroundings) {
      let url = chosen.contains("://") ? chosen : "https://\(chosen)"
      if !url.hasPrefix("http://") && !url.hasPrefix("https://") {
        throw AWSError("the endpoint \(chosen) is neither http nor https")
      }
      return url.dropFirst(8).contains("/") ? url : url + "/"
    }
    let isFIPS =
      surroundings.isTrue("AWS_USE_FIPS_ENDPOINT") && !(region.hasPrefix("us-gov-") && service != .ecs)
    let isDual = surroundings.isTrue("AWS_USE_DUALSTACK_ENDPOINT")
    let found = domains.first { region.hasPrefix($0.0) } ?? ("", "amazonaws.com", "api.aws")
    return "https://\(service.rawValue)\(isFIPS ? "-fips" : "").\(region).\(isDual ? found.2 : found.1)/"
  }

  private static func chosen(_ service: AWSService.Kind, given: String, _ surroundings: AWSSurroundings) -> String? {
    if !given.isEmpty { return given }
    if surroundings.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") { return nil }
    return surroundings.variable("AWS_ENDPOINT_URL_\(service.name)") ?? surroundings.variable("AWS_ENDPOINT_URL")
  }

  /// The parts of a URL that are signed: host with a port that is not the usual one, path, query.
  static func parts(of url: String) -> (authority: String, path: String, query: String) {
    let isSecure = url.hasPrefix("https://")
    let rest = url.dropFirst(isSecure ? 8 : 7).prefix { $0 != "#" }
    var authority = rest.prefix { $0 != "/" && $0 != "?" }
    let target = rest[authority.endIndex...]
    if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
    let usual = isSecure ? ":443" : ":80"
    if authority.hasSuffix(usual) { authority = authority.dropLast(usual.count) }
    let path = target.prefix { $0 != "?" }
    return (authority.lowercased(), path.isEmpty ? "/" : String(path), String(target.dropFirst(path.count + 1)))
  }

  /// The host alone, without port and brackets.
  static func host(of url: String) -> String {
    let authority = parts(of: url).authority
    if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
    return String(authority.prefix { $0 != ":" })
  }
}
