import Format
import Model
import Notify
import Outbound

extension ReceiverOptions {
  /// An entry of `apus.notify`.
  static let section = Section(
    "receiver", ReceiverOptions(),
    [
      .text("name", \.name, isRequired: true, help: "The name in messages, metrics and the log."),
      channel("webhook", WebhookOptions.section, "Posts JSON in the form of Alertmanager's webhooks, version 4.") {
        .webhook($0)
      },
      channel("slack", SlackOptions.section, "Posts to an incoming webhook of Slack.") { .slack($0) },
      channel("sns", SNSOptions.section, "Publishes to a topic of Amazon SNS.") { .sns($0) },
      .custom(
        SchemaKey("match", .selector, help: "PromQL selector of the alerts that it is told of; without one, of all.")
      ) {
        $1.matchers = $0.matchers("match").map(\.matcher)
      },
      .custom(
        SchemaKey(
          "group_by", .list(.text),
          help: "Labels that alerts of one message share, `alertname` where it is not given; `...`: each by itself.")
      ) { $1.groupBy = $0.texts("group_by") },
      .duration(
        "group_wait", \.groupWaitMilliseconds, help: "The wait of a new group's first message for further alerts."),
      .duration(
        "group_interval", \.groupIntervalMilliseconds, help: "The least time between two messages about one group."),
      .duration("repeat_interval", \.repeatMilliseconds, help: "The time after which what still fires is told again."),
      .boolean("send_resolved", \.sendsResolved, help: "Tell of ends, too."),
      .duration("timeout", \.timeoutMilliseconds, help: "The time that one message may take."),
    ],
    rules: [.check(channelIsOne), .check(intervalIsAboveZero)])

  /// The key of one way to tell somebody.
  private static func channel<Options: Sendable>(
    _ name: String, _ section: Section<Options>, _ help: String,
    _ make: @escaping @Sendable (Options) -> ReceiverOptions.Channel
  ) -> Setting<ReceiverOptions> {
    Setting(name, key: { _ in SchemaKey(name, .section(section.schema), help: help) }) { value, receiver, faults in
      guard let part = value.section(name) else { return }
      var options = section.defaults
      section.fill(&options, from: part, &faults)
      receiver.channel = make(options)
    }
  }

  @Sendable private static func channelIsOne(_ section: SectionValue) -> RuleViolation? {
    let given = ["webhook", "slack", "sns"].filter { section.isGiven($0) }
    if given.count == 1 { return nil }
    return RuleViolation("exactly one of webhook, slack and sns is needed", at: given.count > 1 ? given[1] : nil)
  }

  @Sendable private static func intervalIsAboveZero(_ section: SectionValue) -> RuleViolation? {
    let keys: [String] = ["group_interval", "repeat_interval", "timeout"]
    guard let key = keys.first(where: { section.milliseconds($0) == 0 }) else { return nil }
    return RuleViolation("\(key) cannot be zero", at: key)
  }

  @Sendable static func receiversAreTold(_ section: SectionValue) -> RuleViolation? {
    let receivers = section.sections("notify")
    if receivers.count > countMax {
      return RuleViolation("there are \(receivers.count) receivers; there is room for \(countMax)", at: "notify")
    }
    return SchemaRules.firstTwice(receivers.compactMap { $0.text("name") }).map {
      RuleViolation("two receivers have the name \($0)", at: "notify")
    }
  }

  /// The same with the paths of its files as they are opened.
  func resolved(in directory: String) -> ReceiverOptions {
    var options = self
    switch channel {
    case .webhook(var webhook):
      webhook.url.setDirectory(directory)
      webhook.client.setDirectory(directory)
      options.channel = .webhook(webhook)
    case .slack(var slack):
      slack.url.setDirectory(directory)
      slack.client.setDirectory(directory)
      options.channel = .slack(slack)
    case .sns(var sns):
      sns.client.setDirectory(directory)
      options.channel = .sns(sns)
    case nil: break
    }
    return options
  }
}

extension WebhookOptions {
  static let section = Section(
    "webhook", WebhookOptions(),
    address("url", "The address; it counts as a secret.", \.url) + [
      .integer("max_alerts", \.alertsMax, help: "Alerts in one message; of more the number is told. 0: all.")
    ] + ClientSettings.settings(at: \.client),
    rules: ClientSettings.rules + [.check { SchemaRules.addressIsOne($0, "url") }])
}

extension SlackOptions {
  static let section = Section(
    "slack", SlackOptions(),
    address("api_url", "The address of the incoming webhook, a secret.", \.url) + [
      .text("channel", \.channel, isShown: false, help: "Another channel than the webhook's own."),
      .text("username", \.username, isShown: false, help: "Another name than the webhook's own."),
    ] + ClientSettings.settings(at: \.client),
    rules: ClientSettings.rules + [.check { SchemaRules.addressIsOne($0, "api_url") }])
}

extension SNSOptions {
  static let section = Section(
    "sns", SNSOptions(),
    [
      .text("topic_arn", \.topicARN, isRequired: true, help: "The topic. Its region counts where none is given."),
      .text("subject", \.subject, isShown: false, help: "The subject of mails; without it, made of the alerts."),
      .text("api_url", \.endpoint, shape: .address, isShown: false, help: "Another address than AWS's own."),
      Setting("sigv4", key: { _ in SchemaKey("sigv4", .section(identity.schema), help: "Region and identity.") }) {
        value, options, faults in
        if let part = value.section("sigv4") { identity.fill(&options.access, from: part, &faults) }
      },
    ]
      + ClientSettings.settings(
        at: \.client, own: ["basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file"]),
    rules: ProxySettings.rules + [.check(topicIsNamed)])

  /// `arn:PARTITION:sns:REGION:ACCOUNT:TOPIC`.
  @Sendable private static func topicIsNamed(_ section: SectionValue) -> RuleViolation? {
    let text = section.text("topic_arn") ?? ""
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 6, parts[0] == "arn", parts[2] == "sns", parts.allSatisfy({ !$0.isEmpty }) { return nil }
    return RuleViolation(
      "\(quoted(text)) is no topic: its ARN is arn:aws:sns:REGION:ACCOUNT:TOPIC", at: "topic_arn")
  }

  private static let identity = Section(
    "sigv4", AWSSettings(), AWSSettings.settings, rules: [.check(SchemaRules.keysBelongTogether)])
}

/// A secret address: as text, or as a file that is read for each message.
private func address<Options: Sendable>(
  _ name: String, _ help: String, _ path: WritableKeyPath<Options, Secret> & Sendable
) -> [Setting<Options>] {
  [
    .custom(SchemaKey(name, .secret, help: help)) { section, options in
      if let text = section.text(name), !text.isEmpty { options[keyPath: path] = .text(text) }
    },
    .custom(SchemaKey("\(name)_file", .text, help: "A file with the address, read for each message.")) {
      section, options in
      if let file = section.text("\(name)_file"), !file.isEmpty { options[keyPath: path] = .file(file) }
    },
  ]
}

extension SchemaRules {
  /// One of a URL and a file with one is given.
  static func addressIsOne(_ section: SectionValue, _ name: String) -> RuleViolation? {
    let (text, file) = (section.text(name) ?? "", section.text("\(name)_file") ?? "")
    if text.isEmpty == file.isEmpty { return RuleViolation("exactly one of \(name) and \(name)_file is needed") }
    if !text.isEmpty && !text.hasPrefix("http://") && !text.hasPrefix("https://") {
      return RuleViolation("\(name) is neither http nor https", at: name)
    }
    return nil
  }
}
