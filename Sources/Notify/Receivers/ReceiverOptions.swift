import Model
import Outbound

/// An entry of `apus.notify`: somebody who is told of alerts directly, without an Alertmanager. A value.
package struct ReceiverOptions: Sendable, Equatable {
  package enum Channel: Sendable, Equatable {
    case webhook(WebhookOptions)
    case slack(SlackOptions)
    case sns(SNSOptions)
  }

  /// Receivers of one server.
  package static let countMax = 100
  /// The label that stands for all labels in `groupBy`.
  package static let groupByAll = "..."

  package var name = ""
  /// Nil only until the entry is read.
  package var channel: Channel?
  /// Alerts that it is told of: those that match all.
  package var matchers: [Matcher] = []
  /// The route of a definition that leads to it; nil: every alert does.
  package var route: Route?
  package var groupBy = ["alertname"]
  package var groupWaitMilliseconds: Int64 = 30_000
  package var groupIntervalMilliseconds: Int64 = 300_000
  package var repeatMilliseconds: Int64 = 14_400_000
  package var sendsResolved = true
  package var timeoutMilliseconds: Int64 = 10_000

  package init() {}

  /// A place in a tree of routes.
  package struct Route: Sendable, Equatable {
    package var tree: RouteTree
    package var place: Int

    package init(tree: RouteTree, place: Int) {
      self.tree = tree
      self.place = place
    }
  }
}

package struct WebhookOptions: Sendable, Equatable {
  /// May hold a secret.
  package var url = Secret.text("")
  /// Alerts in one message; 0: all.
  package var alertsMax = 0
  package var client = ClientSettings()

  package init() {}
}

package struct SlackOptions: Sendable, Equatable {
  /// The address of an incoming webhook is a secret.
  package var url = Secret.text("")
  /// Empty: that of the webhook.
  package var channel = ""
  package var username = ""
  package var client = ClientSettings()

  package init() {}
}

package struct SNSOptions: Sendable, Equatable {
  package var topicARN = ""
  /// Empty: made of the alerts.
  package var subject = ""
  /// An address instead of AWS's own; empty: none.
  package var endpoint = ""
  /// Sent along with each message.
  package var attributes: [String: String] = [:]
  package var access = AWSSettings()
  package var client = ClientSettings()

  package init() {}

  /// The region of the settings, or else that of the topic.
  var accessOfTopic: AWSSettings {
    var access = access
    if access.region.isEmpty {
      let parts = topicARN.split(separator: ":", omittingEmptySubsequences: false)
      if parts.count > 3 { access.region = String(parts[3]) }
    }
    return access
  }
}
