import Format
import HTTP
import Platform

/// What this program is.
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

  /// With the field names Prometheus uses; `goVersion` names the compiler there is.
  var json: String {
    let fields = [
      ("version", version), ("revision", revision), ("branch", branch), ("buildUser", ""), ("buildDate", buildDate),
      ("goVersion", compiler),
    ]
    return "{" + fields.map { "\(JSONBuffer.quoted($0.0)):\(JSONBuffer.quoted($0.1))" }.joined(separator: ",") + "}"
  }
}

/// `/api/v1/status/...`, `/metrics`, `/version`: what the server says about itself.
struct StatusEndpoints: Sendable {
  let services: APIServices

  func buildInfo(_ request: Request) -> Response { success(services.version.json) }

  func version(_ request: Request) -> Response { .json(200, Array(services.version.json.utf8)) }

  func flags(_ request: Request) -> Response {
    success(
      "{" + services.flags.map { "\(JSONBuffer.quoted($0.name)):\(JSONBuffer.quoted($0.value))" }.joined(separator: ",")
        + "}")
  }

  func config(_ request: Request) -> Response {
    success("{\"yaml\":\(JSONBuffer.quoted(services.configurationText()))}")
  }

  func walReplay(_ request: Request) -> Response {
    guard let workspace = services.workspaces[request.workspace] else {
      return APIError(.notFound, "no such workspace").response
    }
    let replayed = workspace.database.replayed
    return success("{\"min\":\(replayed.first),\"max\":\(replayed.last),\"current\":\(replayed.current)}")
  }

  func metrics(_ request: Request) -> Response {
    Response(contentType: .exposition, body: .bytes(Exposition.bytes(of: services.registry.families())))
  }

  private func success(_ data: String) -> Response {
    .json(200, Array("{\"status\":\"success\",\"data\":\(data)}".utf8))
  }
}
