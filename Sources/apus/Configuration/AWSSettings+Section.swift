import Outbound

extension AWSSettings {
  /// The keys of every section about AWS, in Prometheus's order.
  static let settings: [Setting<AWSSettings>] = [
    .text("region", \.region, isShown: false),
    .text("access_key", \.accessKey, isShown: false),
    .text("secret_key", \.secretKey, shape: .secret, isShown: false),
    .text("profile", \.profile, isShown: false),
    .text("role_arn", \.roleARN, isShown: false),
    .text("external_id", \.externalID, isShown: false),
  ]
}
