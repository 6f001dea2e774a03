import TestKit
import Testing

@testable import apus

@Suite(
  "Verdicts next to promtool's",
  .enabled(if: PeerBinary.promtool.isExpected, Comment(rawValue: PeerBinary.promtool.absence)))
struct PromtoolTests {
  private func promtoolAccepts(_ text: String, in directory: String) throws -> Bool {
    let file = directory + "/p.yml"
    try write(text, to: file)
    let child = try ChildProcess(try PeerBinary.promtool.path(), ["check", "config", "--syntax-only", file])
    return child.wait(within: .seconds(60)) == .code(0)
  }

  private func apusAccepts(_ text: String) -> Bool {
    do throws(ConfigurationErrors) {
      _ = try Configuration.read(Array(text.utf8), file: "p.yml")
      return true
    } catch { return false }
  }

  private static let job = "scrape_configs:\n- job_name: a\n"
  private static let rule = "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - "

  private static let samples: [String] = [
    "", "{}", "global:", "---\nglobal: {}\n", "[]", "x", "global: []", "globals: {}", "global: {scrape_interval: 1}",
    "global: {scrape_interval: 1m, scrape_interval: 2m}", "global: {scrape_interval: 5s, scrape_timeout: 6s}",
    "global: {scrape_interval: 5s}", "global: {scrape_interval: 0}", "global: {scrape_interval: -5s}",
    "global: {scrape_interval: 1h30m}", "global: {scrape_interval: 30m1h}", "global: {scrape_interval: 1.5h}",
    "global: {scrape_interval: ~}", "global: {scrape_interval: ''}", "global: {sample_limit: -1}",
    "global: {sample_limit: 1e3}", "global: {sample_limit: 0x10}", "global: {sample_limit: '5'}",
    "global: {body_size_limit: 5}", "global: {body_size_limit: 5kB}", "global: {body_size_limit: 5MiB}",
    "global: {body_size_limit: 0}", "global: {external_labels: {a: 1, b: yes, c: ~}}",
    "global: {external_labels: {a: [1]}}", "global: {external_labels: [a]}", "global: {scrape_protocols: []}",
    "global: {scrape_protocols: [PrometheusProto, PrometheusProto]}", "global: {scrape_protocols: [x]}",
    "rule_files: a.yml", "rule_files: ['a/*.yml']", "rule_files: ['a/*/b.yml']", "rule_files: [a, 5]",
    "runtime: {gogc: x}", "runtime: {gogc: -1}", "storage: {tsdb: {out_of_order_time_window: 30m}}",
    "storage: {tsdb: {out_of_order_time_window: -1s}}", "storage: {exemplars: {max_exemplars: 5}}",
    "storage: {exemplars: {max_exemplars: -5}}", "storage: {x: 1}", "tracing: {}", "tracing: {endpoint: a}",
    "tracing: {endpoint: a, client_type: x}", "tracing: {endpoint: a, compression: zip}",
    "otlp: {translation_strategy: x}", "otlp: {promote_resource_attributes: [a, a]}",
    "otlp: {promote_resource_attributes: [a]}", "otlp: {ignore_resource_attributes: [a]}",
    "global: {metric_name_validation_scheme: legacy}\notlp: {translation_strategy: NoTranslation}",
    "scrape_configs: {}", "scrape_configs: [~]", "scrape_configs: [{}]", job, job + "- job_name: a\n",
    job + "- job_name: b\n", job + "  honor_labels: on\n", job + "  honor_labels: 1\n",
    job + "  static_configs: [{targets: [a:1]}]\n", job + "  static_configs: [{targets: ['http://a:1']}]\n",
    job + "  static_configs: [{targets: a}]\n", job + "  static_configs: [{target: [a]}]\n",
    job + "  basic_auth: {username: a, password: b, password_file: c}\n", job + "  basic_auth: {username: a}\n",
    job + "  bearer_token: a\n  authorization: {credentials: b}\n", job + "  authorization: {type: basic}\n",
    job + "  authorization: {credentials: b}\n  basic_auth: {username: a}\n", job + "  tls_config: {cert_file: a}\n",
    job + "  tls_config: {min_version: TLS9}\n", job + "  tls_config: {min_version: TLS12, ca: x, ca_file: y}\n",
    job + "  proxy_url: 'http://p:1'\n  no_proxy: a\n", job + "  no_proxy: a\n",
    job + "  proxy_from_environment: true\n  proxy_url: 'http://p'\n", job + "  params: {a: [b]}\n",
    job + "  params: {a: b}\n", job + "  scrape_interval: 5s\n  scrape_timeout: 10s\n",
    job + "  fallback_scrape_protocol: PrometheusText0.0.4\n", job + "  fallback_scrape_protocol: x\n",
    job + "  oauth2: {client_id: a}\n", job + "  oauth2: {client_id: a, token_url: b, client_secret: c}\n",
    job + "  dns_sd_configs: [{names: [a]}]\n", job + "  dns_sd_configs: [{names: []}]\n",
    job + "  dns_sd_configs: [{names: [a], type: A}]\n", job + "  dns_sd_configs: [{names: [a], type: a, port: 5}]\n",
    job + "  file_sd_configs: [{files: [a.json]}]\n", job + "  file_sd_configs: [{files: [a.txt]}]\n",
    job + "  file_sd_configs: [{files: ['*/a.json']}]\n", job + "  file_sd_configs: [{files: ['x/*.yml']}]\n",
    job + "  http_sd_configs: [{url: 'http://a/b'}]\n", job + "  http_sd_configs: [{url: 'a/b'}]\n",
    job + "  kubernetes_sd_configs: [{role: pod}]\n", job + "  kubernetes_sd_configs: [{role: x}]\n",
    job + "  kubernetes_sd_configs: [{}]\n", job + "  kubernetes_sd_configs: [{role: pod, bearer_token: a}]\n",
    job + "  ec2_sd_configs: [{region: a, filters: [{name: a, values: [b]}]}]\n",
    job + "  ec2_sd_configs: [{region: a, filters: [{name: a, values: []}]}]\n",
    job + "  unknown_sd_configs: []\n",
    rule + "{}", rule + "~", rule + "{target_label: a}", rule + "{target_label: a, action: REPLACE}",
    rule + "{action: keep}", rule + "{action: x, target_label: b}", rule + "{regex: '((', target_label: b}",
    rule + "{action: hashmod, target_label: b}", rule + "{action: hashmod, target_label: b, modulus: 5}",
    rule + "{action: hashmod, target_label: b, modulus: -5}", rule + "{action: labeldrop, regex: a}",
    rule + "{action: labeldrop, regex: a, target_label: b}", rule + "{action: keepequal, target_label: b}",
    rule + "{action: keepequal, target_label: b, source_labels: [c]}",
    rule + "{action: dropequal, target_label: b, regex: c}", rule + "{action: lowercase, target_label: b}",
    rule + "{action: uppercase, target_label: b, replacement: c}", rule + "{source_labels: a, target_label: b}",
    "remote_write: [{}]", "remote_write: [~]", "remote_write: [{url: 'http://a'}]",
    "remote_write: [{url: 'http://[a'}]",
    "remote_write: [{url: 'http://a', name: x}, {url: 'http://b', name: x}]",
    "remote_write: [{url: 'http://a'}, {url: 'http://a'}]", "remote_write: [{url: 'http://a', protobuf_message: x}]",
    "remote_write: [{url: 'http://a', headers: {Authorization: x}}]",
    "remote_write: [{url: 'http://a', headers: {X-Scope-OrgID: x}}]",
    "remote_write: [{url: 'http://a', sigv4: {}, basic_auth: {username: a}}]",
    "remote_write: [{url: 'http://a', sigv4: {region: a, access_key: b}}]",
    "remote_write: [{url: 'http://a', queue_config: {max_shards: x}}]", "remote_read: [{url: 'http://a'}]",
    "remote_read: [{url: 'http://a', required_matchers: {a: b}}]", "remote_read: [{read_recent: true}]",
    "alerting: {alertmanagers: [{static_configs: [{targets: [a]}]}]}", "alerting: {alertmanagers: [{api_version: v1}]}",
    "alerting: {alertmanagers: [{sigv4: {access_key: a}}]}", "alerting: {alertmanagers: [{sigv4: {region: a}}]}",
    "alerting: {alertmanagers: [{bearer_token: a, sigv4: {}}]}",
    "alerting: {alertmanagers: [{authorization: {credentials: a}, sigv4: {}}]}",
    "alerting: {alertmanagers: [{timeout: 5}]}", "alerting: {alert_relabel_configs: [~]}", "a: &x {}\nglobal: *x\n",
    "global: &x {scrape_interval: 5s}\nscrape_configs: [{job_name: a, <<: *x}]\n", "global: *x\n", "global: {a: b",
    "global:\n\tscrape_interval: 5s\n", "global: {scrape_interval: !!str 5s}\n",
  ]

  @Test("a small file is accepted here exactly when promtool accepts it")
  func verdicts() throws {
    try withTemporaryDirectory { directory in
      for text in PromtoolTests.samples {
        let verdict = try promtoolAccepts(text, in: directory)
        #expect(apusAccepts(text) == verdict, "\(text)")
      }
    }
  }

  /// The file from the field without what promtools of some distributions do not know, and without a URL as a static
  /// target, which the server takes and promtool does not.
  private static func commonPart() throws -> String {
    var text = realLifeConfiguration
    for (old, new) in [
      ("    retention:\n      time: 90d\n      size: 100GB\n", ""), ("https://example.com/health", "example.com"),
      (
        "    consul_sd_configs:\n      - server: consul:8500\n        token: secret-token\n        services: [api]\n",
        ""
      ),
    ] {
      _ = try #require(text.firstRange(of: old))
      text = text.replacing(old, with: new)
    }
    return text
  }

  @Test("promtool accepts the printed configuration without our section")
  func printed() throws {
    try withTemporaryDirectory { directory in
      for text in ["", try PromtoolTests.commonPart()] {
        #expect(try promtoolAccepts(text, in: directory))
        let printed = try configuration(text).text
        let own = try #require(printed.firstRange(of: "apus:\n"))
        #expect(try promtoolAccepts(String(printed[..<own.lowerBound]), in: directory))
      }
    }
  }
}
