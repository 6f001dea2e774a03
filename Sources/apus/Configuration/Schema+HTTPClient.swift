import Notify
import Outbound

extension Schema {
  /// Keys of every section that makes HTTP requests, for sections that nothing reads yet.
  static let httpClientKeys: [SchemaKey] = ClientSettings.settings.map { $0.key(ClientSettings()) }

  static let httpClientRules: [SchemaRule] = ClientSettings.rules

  static let tls = TLSSettings.section.schema

  static let sigv4 = RequestSigning.section.schema
}
