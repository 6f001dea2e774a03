import API
import TestKit
import Testing

@testable import apus
import Query
import Workspaces

/// Says of each key and flag whether it has an effect, by trying it, and compares that with what the program says of it.
@Suite("What is served")
struct ServedTests {
  /// A key of the schema, and how it is written into a file.
  struct Place {
    var path: String
    var key: SchemaKey
    /// A valid file without the key and what stands beside it.
    var bare: String
    /// A file that gives the key this value, and no more than it must to be valid; nil: the same file without the key.
    var document: @Sendable (String?) -> String
  }

  /// Keys that an element, or a key, needs beside itself to be valid.
  private static let companions: [String: [(String, String)]] = [
    "label_sets": [("labels", "{a: b}"), ("max_series", "3")],
    "retention_rules": [("selector", "up"), ("retention", "1h")],
    "rename": [("from", "a"), ("to", "b")],
    "write_relabel_configs": [("target_label", "a")],
    "workspaces": [("id", "w")],
    "scrape_configs": [("job_name", "j")],
    "relabel_configs": [("target_label", "a")],
    "metric_relabel_configs": [("target_label", "a")],
    "managed_alertmanagers": [("url", "http://a")],
    "notify": [("name", "n"), ("webhook", "{url: http://a}")], "webhook": [("url", "http://a")],
    "slack": [("api_url", "http://a")], "sns": [("topic_arn", "'arn:aws:sns:r:1:t'")],
    "alert_relabel_configs": [("target_label", "a")],
    "aws_sd_configs": [("role", "ec2")], "filters": [("name", "a"), ("values", "[b]")],
    "consul_sd_configs": [("server", "localhost:8500")],
    "dns_sd_configs": [("names", "[a]"), ("type", "A"), ("port", "1")],
    "file_sd_configs": [("files", "[a.yml]")],
    "http_sd_configs": [("url", "http://a")],
    "kubernetes_sd_configs": [("role", "pod"), ("api_server", "http://a")],
    "selectors": [("role", "pod")],
    "oauth2": [("client_id", "c"), ("client_secret", "s"), ("token_url", "http://t")],
  ]

  /// Keys of which an element has one.
  private static let alternatives: Set<String> = ["webhook", "slack", "sns"]

  /// Keys that a key without parts needs beside itself.
  private static let neighbours: [String: [(String, String)]] = [
    "ignore_resource_attributes": [("promote_all_resource_attributes", "true")],
    "cert": [("key", "k")], "cert_file": [("key", "k")], "cert_ref": [("key", "k")],
    "key": [("cert", "c")], "key_file": [("cert", "c")], "key_ref": [("cert", "c")],
    "access_key": [("secret_key", "s")], "secret_key": [("access_key", "a")],
    "no_proxy": [("proxy_url", "http://p")],
    "proxy_connect_header": [("proxy_url", "http://p")],
  ]

  static func places(
    _ schema: Schema, path: String, _ outer: @escaping @Sendable ([(String, String)]) -> String
  ) -> [Place] {
    schema.keys.flatMap { key -> [Place] in
      let name = key.name
      let beside = companions[name] ?? []
      let inner: @Sendable ([(String, String)]) -> String = { given in
        let isSection = if case .section = key.shape { true } else { false }
        let rest = isSection ? beside.filter { companion in !given.contains { stands($0.0, for: companion.0) } } : []
        return outer([(name, flow(rest + given))])
      }
      switch key.shape {
      case .section(let schema) where key.isRead: return places(schema, path: path + name + ".", inner)
      case .list(.section(let schema)) where key.isRead:
        return places(schema, path: path + name + "[].") { given in
          let rest = beside.filter { companion in
            !given.contains { $0.0 == companion.0 || [$0.0, companion.0].allSatisfy(alternatives.contains) }
          }
          return outer([(name, "[" + flow(rest + given) + "]")])
        }
      default:
        let others = neighbours[name] ?? (key.isRead && !path.hasSuffix("[].") ? beside : [])
        return [
          Place(path: path + name, key: key, bare: outer([])) { value in
            outer(others + (value.map { [(name, $0)] } ?? []))
          }
        ]
      }
    }
  }

  /// True if a section needs no `companion` beside the key: it is the same, or the same from a file.
  private static func stands(_ key: String, for companion: String) -> Bool {
    key == companion || key.hasPrefix(companion + "_")
  }

  private static func flow(_ pairs: [(String, String)]) -> String {
    "{" + pairs.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + "}"
  }

  /// Values of which at least one is allowed and not the default.
  private static func candidates(_ shape: Shape) -> [String] {
    switch shape {
    case .text, .shortText, .labelName, .workspaceID, .names, .secret: ["zz", "lowercase"]
    case .regex, .filePattern: ["zz"]
    case .url, .address: ["http://zz"]
    case .listenAddress: [":9191"]
    case .selector: ["zz"]
    case .boolean: ["true", "false"]
    case .duration: ["7s"]
    case .size: ["7KB"]
    case .integer: ["7"]
    case .number: ["0.5", "7"]
    case .choice(let words), .word(let words): words.filter { !$0.isEmpty }
    case .list(let element): candidates(element).map { "[\($0)]" }
    case .map(let element): candidates(element).map { "{zz: \($0)}" }
    case .labels: ["{zz: y}"]
    case .section(let schema): elements(schema)
    }
  }

  /// Of a section that is not read: one key of it, with what it must have.
  private static func elements(_ schema: Schema) -> [String] {
    let required =
      schema.keys.filter(\.isRequired).map { ($0.name, $0.name == "files" ? "[zz.yml]" : candidates($0.shape)[0]) }
      + (schema.name == "azure" ? [("authentication_method", "SDK")] : [])
    let optional = schema.keys.filter { !$0.isRequired }
    return [flow(required)]
      + optional.prefix(3).flatMap { key in
        candidates(key.shape).map { flow(required + [(key.name, $0)]) }
      }
  }

  private static func effect(_ text: String) -> (effect: String, warnings: String)? {
    guard let read = try? Configuration.read(Array(text.utf8), file: "f") else { return nil }
    // Matchers do not print what they match.
    let matchers = read.workspaces.map { $0.database.retentionRules.map { $0.matchers.map(\.matcher) } }
    let scrapes = read.scrapes.map { scrape in
      var scrape = scrape
      scrape.text = ""
      return scrape
    }
    let effect =
      "\(scrapes) \(read.global) \(read.workspaces) \(matchers) \(read.createsWorkspacesOnWrite) \(read.scraping)"
      + " \(read.rules) \(read.ruleFiles) \(read.loadsValidRuleFiles) \(read.alerting)"
      + " \(read.totalRetention) \(read.usagePrices) \(read.alertmanagers) \(read.allowsPrivateReceivers)"
    return (effect, read.warnings.joined(separator: "\n"))
  }

  /// The file, with a job that inherits what the section `global` says.
  static func file(_ pairs: [(String, String)]) -> String {
    flow(pairs.contains { $0.0 == "global" } ? pairs + [("scrape_configs", "[{job_name: j}]")] : pairs)
  }

  /// Keys whose effect needs files beside the configuration, or that choose between what is there and what is refused: tested
  /// elsewhere.
  private static let elsewhere = [
    "scrape_config_files", "oauth2.grant_type", "client_secret_ref", "cert_ref", "key_ref", "aws_sd_configs[].clusters",
    "kubeconfig_file",
    "own_namespace", "alertmanagers[].api_version",
  ]

  /// Values of texts that not every text can be.
  private static let words = [
    "webhook.url": "http://zz", "topic_arn": "'arn:aws:sns:r:1:zz'", "slack.api_url": "http://zz",
    "aws_sd_configs[].role": "ecs", "dns_sd_configs[].type": "AAAA", "file_sd_configs[].files": "[b.yml]",
    "kubernetes_sd_configs[].role": "node", "selectors[].role": "node", "selectors[].field": "a=b",
  ]

  @Test("a key has an effect exactly when it is not named as one without")
  func keys() throws {
    let places = ServedTests.places(.root, path: "") { ServedTests.file($0) }
    #expect(places.count > 90 && places.contains { $0.key.isRead } && places.contains { !$0.key.isRead })
    for place in places where !ServedTests.elsewhere.contains(where: { place.path.hasSuffix($0) }) {
      // A key and its neighbour may only be valid together.
      let without = try #require(
        ServedTests.effect(place.document(nil)) ?? ServedTests.effect(place.bare), "\(place.document(nil))")
      let words = ServedTests.words.filter { place.path.hasSuffix($0.key) }.map(\.value)
      let tries = (words + ServedTests.candidates(place.key.shape)).compactMap {
        ServedTests.effect(place.document($0))
      }
      #expect(!tries.isEmpty, "no value for \(place.path)")
      #expect(tries.contains { $0.effect != without.effect } == place.key.isRead, "\(place.path)")
      let path = place.path.replacing("[]", with: "")
      let named = tries.filter {
        $0.warnings.hasPrefix("accepted but not served by this version: ") && $0.warnings.contains(path)
      }
      #expect(place.key.isRead ? named.isEmpty : !named.isEmpty, "\(place.path)")
    }
  }

  /// Said to be always on.
  private static let fixed = ["web.enable-remote-write-receiver", "web.enable-otlp-receiver"]

  @Test("a flag has an effect exactly when it is not named as one without")
  func flags() throws {
    // Nil: the flag takes no such value.
    func effect(_ arguments: [String]) -> String? {
      do {
        var options = try options(arguments)
        (options.flags, options.warnings) = ([], [])
        return "\(options)"
      } catch {
        return "\(error)".contains(" is not a ") ? nil : "no start"
      }
    }
    let without = try #require(effect([]))
    for flag in FlagTable.rows where !ServedTests.fixed.contains(flag.name) {
      let values =
        flag.name == "enable-feature" ? ["promql-per-step-stats"] : ServedTests.candidates(flag.shape)
      let tries = values.compactMap { effect(["--\(flag.name)=\($0)"]) }
      #expect(!tries.isEmpty, "no value for --\(flag.name)")
      #expect(tries.contains { $0 != without } == (flag.use == .served), "--\(flag.name)")
    }
  }

  @Test("a feature has an effect exactly when it is said to turn something on")
  func features() throws {
    for feature in FeatureTable.rows {
      let options = try options(["--enable-feature=\(feature.name)"])
      let changed = ServedTests.told(options) != ServedTests.told(try apusOptions())
      #expect(changed == (feature.use == .served), "\(feature.name)")
    }
  }

  private static func told(_ options: ServeOptions) -> String {
    "\(QueryOptions(options)) \(WorkspaceSettings(options))"
  }

  private func apusOptions() throws -> ServeOptions { try options([]) }
}
