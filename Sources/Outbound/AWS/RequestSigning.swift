/// The signature of requests to a service of AWS. A value.
package struct RequestSigning: Sendable, Equatable {
  package var access = AWSSettings()
  /// The service that requests are signed for: that of the managed Prometheus.
  package var service = "aps"
  /// Roles are assumed at the endpoint for federal requirements.
  package var usesFIPS = false

  package init() {}
}
