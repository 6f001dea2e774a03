/// The Alertmanagers that are told of alerts, as the API shows them. A value.
package struct AlertmanagersView: Sendable {
  package struct Active: Sendable, Equatable {
    package var url: String
    /// Alerts that wait to be sent.
    package var queued = 0
    /// The last failure since the last success; empty where there is none.
    package var lastError = ""
    /// Milliseconds since when nothing could be delivered; nil while all goes well.
    package var failingSince: Int64?

    package init(url: String) { self.url = url }
  }

  /// Somebody who is told directly (`apus.notify`).
  package struct Receiver: Sendable, Equatable {
    package var name: String
    package var alerts = 0
    package var groups = 0
    /// The last failure since the last success; empty where there is none.
    package var lastError = ""
    /// Milliseconds since when nothing could be delivered; nil while all goes well.
    package var failingSince: Int64?

    package init(name: String) { self.name = name }
  }

  /// Sorted by URL.
  package var active: [Active] = []
  package var droppedURLs: [String] = []
  /// Sorted by name.
  package var receivers: [Receiver] = []

  package init() {}
}
