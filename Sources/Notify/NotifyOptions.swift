import Discovery
import Model
import Outbound

/// The section `alerting`, and what flags say of it. A value; a reload makes a new one.
package struct NotifyOptions: Sendable, Equatable {
  /// Relabelling of all alerts, before that of each set.
  package var relabelling: [RelabelRule] = []
  package var alertmanagers: [AlertmanagerSetOptions] = []
  /// `apus.notify`.
  package var receivers: [ReceiverOptions] = []
  package var externalLabels = Labels.empty
  /// The address of this server, in messages to receivers; without a slash at its end.
  package var externalURL = ""
  /// `--alertmanager.notification-queue-capacity`, `--alertmanager.notification-batch-size`,
  /// `--alertmanager.drain-notification-queue-on-shutdown`.
  package var queueCapacity = 10_000
  package var batchSize = 256
  package var drainsAtStop = true

  package init() {}
}

/// An entry of `alerting.alertmanagers`. A value.
package struct AlertmanagerSetOptions: Sendable, Equatable {
  package var scheme = "http"
  package var pathPrefix = ""
  package var timeoutMilliseconds: Int64 = 10_000
  package var client = ClientSettings()
  /// Nil: requests are not signed.
  package var signing: RequestSigning?
  package var discoveries: [DiscoveryOptions] = []
  package var relabelling: [RelabelRule] = []
  package var alertRelabelling: [RelabelRule] = []

  package init() {}
}
