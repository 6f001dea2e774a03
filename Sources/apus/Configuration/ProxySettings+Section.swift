import Outbound

extension ProxySettings {
  /// Keys that stand beside others of a section, not in one of their own.
  static let settings: [Setting<ProxySettings>] = [
    .custom(SchemaKey("proxy_url", .url)) { section, proxy in proxy.url = section.text("proxy_url") ?? "" },
    .text("no_proxy", \.exceptions, isShown: false),
    .boolean("proxy_from_environment", \.isFromEnvironment, isShown: false),
    Setting(
      "proxy_connect_header", key: { _ in SchemaKey("proxy_connect_header", .map(.list(.secret))) }
    ) { section, proxy, _ in
      guard case .map(let entries) = section["proxy_connect_header"] else { return }
      proxy.connectHeaders = entries.map {
        HeaderSetting(name: $0.key, values: [], secrets: HeaderSetting.secrets($0.value))
      }
    },
  ]

  static let rules: [SchemaRule] = [.check(SchemaRules.proxyIsClear)]
}
