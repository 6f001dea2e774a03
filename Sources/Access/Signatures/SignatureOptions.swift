/// The terms under which signatures are taken. A value.
package struct SignatureOptions: Sendable, Equatable {
  /// The region that scopes must name; nil: any, and none at all.
  package var region: String?
  /// The service that scopes must name.
  package var service = "aps"
  /// Some clients name no service where the host is not the hosted service's.
  package var takesEmptyService = true
  package var takesPresigned = false
  /// Bodies that the signature does not cover, over TLS.
  package var takesUnsignedPayload = false
  /// How far the clocks may be apart.
  package var skewMilliseconds: Int64 = 5 * 60_000
  /// How long a signature in the query may be good for.
  package var presignedSecondsMax: Int64 = 900

  package init() {}
}
