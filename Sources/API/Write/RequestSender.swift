import HTTP
import Ingest
import Workspaces

extension Sender {
  /// Whoever sent the request. `partlyAnswer`: what it is answered where only a part of its body is stored.
  init(
    _ request: Request, _ workspace: Workspace, _ protocolName: String, partlyAnswer: String, isNotTold: Bool = false
  ) {
    self.init(
      address: request.remoteAddress, userAgent: request.header("User-Agent") ?? "", workspace: workspace.id,
      protocolName: protocolName, partlyAnswer: partlyAnswer, isNotTold: isNotTold)
  }
}
