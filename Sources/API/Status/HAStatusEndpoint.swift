import Format
import HTTP
import Ingest
import Platform
import Workspaces

/// `GET /api/v1/status/ha`: which replica leads each cluster of the workspace, since when, and who follows.
struct HAStatusEndpoint: Sendable {
  let clock: any Clock

  func status(_ request: Request, _ workspace: Workspace) -> Response {
    let now = clock.nowMilliseconds()
    let status = workspace.receiver.intake.replicas.status(wall: now, now: clock.monotonicNanoseconds() / 1_000_000)
    return JSONAnswer.success { json in
      json.raw("{\"enabled\":\(status.isEnabled),\"elected\":[")
      for (index, leader) in status.elected.enumerated() {
        if index > 0 { json.raw(",") }
        HAStatusEndpoint.write(leader, failoverMilliseconds: status.failoverMilliseconds, &json)
      }
      json.raw("],\"resting\":[")
      for (index, cluster) in status.resting.enumerated() {
        if index > 0 { json.raw(",") }
        HAStatusEndpoint.write(cluster, &json)
      }
      json.raw("],\"now\":\"\(TimeText.text(milliseconds: now))\"}")
    }
  }

  private static func write(_ leader: HAStatus.Leader, failoverMilliseconds: Int64, _ json: inout JSONBuffer) {
    json.raw("{\"cluster\":")
    json.pageString(leader.cluster)
    json.raw(",\"replica\":")
    json.pageString(leader.replica)
    json.raw(",\"electedAt\":\"\(TimeText.text(milliseconds: leader.electedAtMilliseconds))\"")
    json.raw(",\"lastSeen\":\"\(TimeText.text(milliseconds: leader.lastSeenMilliseconds))\"")
    if let newest = leader.newestSampleMilliseconds {
      json.raw(",\"newestSample\":\"\(TimeText.text(milliseconds: newest))\"")
    }
    json.raw(",\"failoverTimeoutMs\":\(failoverMilliseconds),\"changes\":\(leader.changes),\"followers\":[")
    for (index, follower) in leader.followers.enumerated() {
      if index > 0 { json.raw(",") }
      json.raw("{\"replica\":")
      json.pageString(follower.replica)
      json.raw(",\"lastSeen\":\"\(TimeText.text(milliseconds: follower.lastSeenMilliseconds))\"")
      json.raw(",\"keptBodies\":\(follower.keptBodies),\"keptBytes\":\(follower.keptBytes)}")
    }
    json.raw("]}")
  }

  private static func write(_ resting: HAStatus.Resting, _ json: inout JSONBuffer) {
    json.raw("{\"cluster\":")
    json.pageString(resting.cluster)
    json.raw(",\"replica\":")
    json.pageString(resting.replica)
    let newest = TimeText.text(milliseconds: resting.newestSampleMilliseconds)
    json.raw(",\"newestSample\":\"\(newest)\",\"changes\":\(resting.changes)}")
  }
}
