import Format
import HTTP
import Platform
import Workspaces

/// The version of this program and how it was built.
package struct BuildVersion: Sendable {
  package var version: String
  package var revision: String
  package var branch: String
  package var buildDate: String
  package var compiler: String

  package init(version: String, revision: String, branch: String, buildDate: String, compiler: String) {
    self.version = version
    self.revision = revision
    self.branch = branch
    self.buildDate = buildDate
    self.compiler = compiler
  }

  /// The version of Prometheus whose API this is: clients decide by it what they ask for.
  static let servedAPI = "3.5.0"

  /// The version as JSON with Prometheus's field names; `goVersion` names the compiler there is. `application` and
  /// `features` are there where rule groups can be changed: by them Grafana decides to do that, and in what way.
  func json(changesRules: Bool) -> String {
    let fields = [
      ("version", BuildVersion.servedAPI), ("revision", revision), ("branch", branch), ("buildUser", ""),
      ("buildDate", buildDate),
      ("goVersion", compiler), ("apusVersion", version),
    ]
    let rules =
      changesRules ? ",\"application\":\"Grafana Mimir\",\"features\":{\"ruler_config_api\":\"true\"}" : ""
    return "{" + fields.map { "\(JSONBuffer.quoted($0.0)):\(JSONBuffer.quoted($0.1))" }.joined(separator: ",") + rules
      + "}"
  }
}

/// `/api/v1/status/...`, `/metrics`, `/version`: what the server says about itself.
struct StatusEndpoints: Sendable {
  let services: APIServices

  func buildInfo(_ request: Request, _ workspace: Workspace) -> Response {
    JSONAnswer.success(services.version.json(changesRules: services.isRulesAPIEnabled))
  }

  func version(_ request: Request) -> Response { .text(200, services.version.json(changesRules: false)) }

  func flags(_ request: Request, _ workspace: Workspace) -> Response {
    JSONAnswer.success { json in
      json.raw("{")
      for (index, flag) in services.flags.enumerated() {
        if index > 0 { json.raw(",") }
        json.pageString(flag.name)
        json.raw(":")
        json.pageString(flag.value)
      }
      json.raw("}")
    }
  }

  func config(_ request: Request, _ workspace: Workspace) -> Response {
    JSONAnswer.success("{\"yaml\":\(JSONBuffer.quoted(services.configurationText()))}")
  }

  func runtimeInfo(_ request: Request, _ workspace: Workspace) -> Response {
    JSONAnswer.success { services.runtime.write(now: services.queries.clock.nowMilliseconds(), of: workspace, &$0) }
  }

  func walReplay(_ request: Request, _ workspace: Workspace) -> Response {
    let replayed = workspace.database.replayed
    return JSONAnswer.success(
      "{\"min\":\(replayed.first),\"max\":\(replayed.last),\"current\":\(replayed.current)}")
  }

  /// The notifications: none, since this server announces nothing this way.
  func notifications(_ request: Request, _ workspace: Workspace) -> Response { JSONAnswer.success("[]") }

  /// Prometheus's answer to one listener too many.
  func liveNotifications(_ request: Request, _ workspace: Workspace) -> Response { .noContent }

  func metrics(_ request: Request) -> Response {
    Response(contentType: .exposition, body: .bytes(Exposition.bytes(of: services.registry.families())))
  }
}
