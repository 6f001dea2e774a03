import Access
import Format
import HTTP
import Model
import Notify
import TSDB

@testable import Management

// The management API: bodies of its requests, and the record of a workspace as it is stored.
extension FuzzTarget {
  static let management = [
    FuzzTarget(
      name: "management-body",
      seeds: {
        var record = ManagedRecord(id: "ws-1", isMade: true, region: "us-east-1", createdMilliseconds: 5)
        record.alias = "a"
        record.tags = ["k": "v"]
        record.settings.retentionDays = 3
        record.settings.labelSets = [LabelSetLimit(labels: Labels([("a", "b")]), seriesMax: 5)]
        record.queryLog = .init(logGroupARN: "x", samplesMin: 3, createdMilliseconds: 1, modifiedMilliseconds: 2)
        record.policy = .init(document: "{}", revision: "r")
        record.blobs["definition"] = .init([0, 255], createdMilliseconds: 1, modifiedMilliseconds: 2)
        record.resourceTags["rulegroupsnamespace/ws-1/n"] = [:]
        return [
          ManagedFile.encode(record), Array("{\"alias\":\" a \",\"tags\":{\"k\":\"v\"},\"clientToken\":\"t\"}".utf8),
          Array("{\"data\":\"YQo=\",\"retentionPeriodInDays\":3}".utf8), [],
        ]
      }
    ) { bytes in
      if let record = ManagedFile.decode(LentBytes(bytes)) {
        let again = ManagedFile.encode(record).lend { ManagedFile.decode($0) }
        precondition(again == record, "a record does not come back")
      }
      guard let body = try? ManagementRequest.body(LentBytes(bytes)) else { return }
      let request = ManagementRequest(.createWorkspace, requestID: "r", body: body)
      precondition(request.fingerprint == request.fingerprint)
      let tags = try? ResourceTags.read(request)
      precondition((tags?.count ?? 0) <= WorkspaceLimits.tagsMax, "too many tags")
      if let limits = try? LabelSetLimits.read(request) {
        precondition(limits.count <= LabelSetLimits.setsMax, "too many label sets")
      }
      _ = try? request.clientToken()
      _ = try? request.text("alias", length: WorkspaceLimits.aliasLengths)
      _ = try? request.integer("retentionPeriodInDays", WorkspaceLimits.retentionDays)
      if let blob = try? request.blob("data", bytesMax: 1_000) {
        precondition(blob.count <= 1_000, "a blob is longer than it may be")
      }
    },
    FuzzTarget(
      name: "alertmanager-definition",
      seeds: {
        [
          """
          alertmanager_config: |
            global: {slack_api_url: 'https://example.org'}
            templates: [t]
            route:
              receiver: a
              routes: [{receiver: b, matchers: ['x="y"'], match_re: {z: 'q.*'}, group_by: [x], group_wait: 1s}]
            receivers:
            - {name: a, webhook_configs: [{url: 'https://example.org', http_config: {basic_auth: {username: u}}}]}
            - {name: b, sns_configs: [{topic_arn: 'arn:aws:sns:r:1:t', attributes: {a: b}}], slack_configs: [{}]}
          template_files: {t: x}
          """, "alertmanager_config: '{route: {receiver: a}, receivers: [{name: a}], inhibit_rules: [{}]}'",
        ].map { Array($0.utf8) }
      }
    ) { bytes in
      guard let definition = try? AlertmanagerDefinition(Array(bytes)) else { return }
      let labels = Labels([("alertname", "A"), ("x", "y")])
      if let receivers = try? DefinitionReceivers(definition, of: "w", allowsPrivate: false).receivers {
        for receiver in receivers {
          guard let route = receiver.route, let routes = try? CompiledRoutes(route.tree) else { continue }
          let places = routes.places(of: labels)
          precondition(!places.isEmpty && Set(places).count == places.count, "an alert takes no route, or one twice")
        }
      }
    },
    FuzzTarget(
      name: "resource-policy",
      seeds: {
        [
          "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"arn:aws:iam::0:user/a\"]},"
            + "\"Action\":[\"aps:RemoteWrite\"],\"Resource\":\"*\"}]}"
        ].map { Array($0.utf8) }
      }
    ) { bytes in
      guard let text = String(validating: bytes, as: UTF8.self),
        let policy = try? ResourcePolicy(text, of: "arn", account: "0")
      else { return }
      _ = policy.verdict("a", RouteAction("aps:RemoteWrite"))
    },
  ]
}
