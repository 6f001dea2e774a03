import Model
import Outbound

/// An entry of `apus.managed_alertmanagers`: the Alertmanager of a workspace, which its definition is handed to, and which requests of
/// its users are passed on to. A value.
package struct AlertmanagerBinding: Sendable, Equatable {
  package var workspace = "default"
  /// Its address, without a slash at the end.
  package var url = ""
  /// The file that it reads its configuration from; empty: it gets no definition.
  package var configFile = ""
  package var timeoutMilliseconds: Int64 = 10_000
  package var client = ClientSettings()

  package init() {}
}
