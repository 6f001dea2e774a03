import TestKit
import Testing

extension EndToEnd {
  /// Our rules beside those of a real Prometheus that forwards what it is sent.
  @Suite("Relabelling beside Prometheus", .serialized, .timeLimit(.minutes(3)))
  struct RelabelPeers {
    /// Rules of every action, each with the series it is asked for.
    private static let rules: [(rule: String, labels: [[(String, String)]])] = [
      ("action: replace, source_labels: [a], regex: 'f(.)(.*)', target_label: b, replacement: '${2}-$1'", abc),
      ("action: replace, source_labels: [a, b], separator: '', target_label: joined", abc),
      (
        "action: replace, source_labels: [a], regex: '(?P<first>.)(?P<rest>.*)', target_label: '${first}_t', replacement: '$rest$$'",
        abc
      ),
      ("action: replace, source_labels: [a], regex: '(.).*', target_label: b, replacement: '$1x'", abc),
      ("action: replace, source_labels: [a], regex: '(x)?.*', target_label: '$1', replacement: y", abc),
      ("action: replace, target_label: fixed, replacement: text", abc),
      ("action: replace, target_label: a, replacement: ''", abc),
      (
        "action: replace, source_labels: [__name__], regex: '(.*)_Megabytes', target_label: __name__",
        [[("name", "mem_Megabytes")]]
      ),
      ("action: keep, source_labels: [a, x], regex: 'fo+;'", abc),
      ("action: drop, source_labels: [b], regex: 'b.r'", abc),
      ("action: drop, source_labels: [b], regex: 'b'", abc),
      ("action: keepequal, source_labels: [a], target_label: b", abc + [[("a", "same"), ("b", "same")]]),
      ("action: dropequal, source_labels: [a], target_label: b", abc + [[("a", "same"), ("b", "same")]]),
      ("action: hashmod, source_labels: [a, b], modulus: 1000003, target_label: mod", abc),
      ("action: hashmod, source_labels: [x], modulus: 7, target_label: mod", abc),
      ("action: labelmap, regex: '(a|b)', replacement: 'm_$1'", abc),
      ("action: labelmap, regex: '[ab]', replacement: 'm'", abc),
      ("action: labeldrop, regex: 'a|b'", abc),
      ("action: labelkeep, regex: 'a|case|i|__name__'", abc),
      ("action: lowercase, source_labels: [a], target_label: low", letters),
      ("action: uppercase, source_labels: [a], target_label: up", letters),
    ]
    private static let abc = [[("a", "foo"), ("b", "bar")], [("a", "foofoo")], [("b", "bar"), ("c", "ä;é")]]
    private static let letters = [
      [("a", "Straße")], [("a", "ΑΣ ας")], [("a", "İıǅǆ")], [("a", "ᾳﬁŉΐ")], [("a", "a\nb")], [("a", "ÿŸµ")],
    ]

    private static func body(_ index: Int, at time: Int64) -> RemoteWriteBody {
      var body = RemoteWriteBody()
      for (number, labels) in rules[index].labels.enumerated() {
        let name = labels.first { $0.0 == "name" }?.1 ?? "relabelled"
        let all = [("__name__", name), ("i", "\(number)"), ("case", "\(index)")] + labels.filter { $0.0 != "name" }
        body.add(all.sorted { $0.0 < $1.0 }, [(time, Double(number))])
      }
      return body
    }

    /// What a server has of these series, as text.
    private static func stored(_ server: ServerProcess, at time: Int64) throws -> Set<String> {
      let found = try server.query("{case=~\".+\"}", at: time).series.map { series in
        let labels = series.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return "\(labels) \(series.points.last?.value ?? .nan)"
      }
      return Set(found)
    }

    @Test(
      "every action makes of a series what Prometheus makes of it",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func sameResults() throws {
      let ours = try Site()
      let file = try ours.directory.write("", to: "apus.yml")
      let apus = try ours.start(["--config.file=\(file)", "--web.enable-lifecycle", "--no-storage.own-metrics"])
      let theirs = try Site()
      let target = try theirs.start(["--no-storage.own-metrics"])
      // One sender a rule, each with the series of its own case.
      var configuration = "remote_write:\n"
      for (index, rule) in Self.rules.enumerated() {
        configuration += """
            - url: "\(target.baseURL)/api/v1/write"
              queue_config: {batch_send_deadline: 200ms, max_shards: 1}
              write_relabel_configs:
                - {action: keep, source_labels: [case], regex: '\(index)'}
                - {\(rule.rule)}

          """
      }
      let path = try theirs.directory.write(configuration, to: "prometheus.yml")
      let prometheus = try ServerProcess.prometheus(
        data: theirs.directory.path("peer"), configuration: path, port: FreePort.next())

      let time = EndToEnd.recentTimestamp(minutesAgo: 0)
      for (index, rule) in Self.rules.enumerated() {
        _ = try ours.directory.write("apus:\n  write_relabel_configs:\n    - {\(rule.rule)}\n", to: "apus.yml")
        #expect(try apus.request("POST", "/-/reload").status == 200)
        let answer = try apus.write(Self.body(index, at: time))
        #expect(answer.status == 204, "\(rule.rule): \(answer.text)")
      }
      let expected = try Self.stored(apus, at: time + 1000)
      // Prometheus forwards what is newer than its own start.
      var there: Set<String> = []
      _ = try eventually(within: .seconds(60), every: .milliseconds(500)) {
        let fresh = nowMilliseconds() + 2000
        for index in Self.rules.indices {
          #expect(try prometheus.write(Self.body(index, at: fresh)).status / 100 == 2)
        }
        there = try Self.stored(target, at: fresh + 1000)
        return there.count >= expected.count ? true : nil
      }
      #expect(expected.count > 30)
      #expect(
        there == expected,
        "only Prometheus: \(there.subtracting(expected).sorted()); only Apus: \(expected.subtracting(there).sorted())")
    }
  }
}
