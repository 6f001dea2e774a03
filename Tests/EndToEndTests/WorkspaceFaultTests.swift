import Glibc
import Synchronization
import TestKit
import Testing

extension EndToEnd {
  @Suite("Workspaces and what may go wrong with them", .serialized)
  struct WorkspaceFaults {
    private static func configuration(_ ids: [String], _ more: String = "") -> String {
      "apus:\n  workspaces:\n" + ids.map { "  - {id: \($0)}\n" }.joined() + more
    }

    @Test("nobody else gets the folder of a workspace while it is served: no server, no import, no second name")
    func lockedFolder() throws {
      let site = try Site()
      let file = try site.directory.write(Self.configuration(["x"]), to: "apus.yml")
      let arguments = ["--config.file=\(file)", "--web.enable-lifecycle"]
      var server = try site.start(arguments)
      let folder = site.data + "/workspaces/x"
      #expect(namesInFolder(folder).contains("lock"))
      let apus = try apusBinary()
      var others = [
        ["--storage.tsdb.path=\(folder)", "--web.listen-address=127.0.0.1:\(FreePort.next())"],
        ["tsdb", "import", "openmetrics", try site.directory.write("# EOF\n", to: "empty.txt"), folder],
      ].map { (apus, $0) }
      if PeerBinary.prometheus.isExpected {
        let empty = try site.directory.write("", to: "prometheus.yml")
        others.append(
          (
            try PeerBinary.prometheus.path(),
            [
              "--config.file=\(empty)", "--storage.tsdb.path=\(folder)",
              "--web.listen-address=127.0.0.1:\(FreePort.next())",
            ]
          ))
      }
      for (program, arguments) in others {
        let child = try ChildProcess(program, arguments)
        let exit = child.wait(within: .seconds(20))
        child.killAndReap()
        let text = child.standardOutput.complete() + child.standardError.complete()
        #expect(exit != nil && exit != .code(0) && (text.contains("lock") || text.contains("in use")), "\(text)")
      }
      // Another workspace by way of a link.
      #expect(symlink("x", site.data + "/workspaces/y") == 0)
      _ = try site.directory.write(Self.configuration(["x", "y"]), to: "apus.yml")
      #expect(try server.request("POST", "/-/reload").status == 200)
      let start = recentTimestamp()
      let linked = try server.write(counting("m", from: start, count: 1), to: "/workspaces/y/api/v1/write")
      #expect(linked.status == 503 && linked.text.contains("in use"), "\(linked.text)")
      #expect(try server.write(counting("m", from: start, count: 1), to: "/workspaces/x/api/v1/write").status == 204)
      // The lock goes with the process, and with the workspace.
      server.child.killAndReap()
      server = try site.start(arguments)
      _ = try site.directory.write(Self.configuration(["y"]), to: "apus.yml")
      #expect(try server.request("POST", "/-/reload").status == 200)
      #expect(try server.get("/workspaces/y/api/v1/query?query=m&time=\(start / 1000)").text.contains(#","0"]}]"#))
      #expect(server.child.terminate() == .code(0))
      #expect(!namesInFolder(folder).contains("lock"))
    }

    /// A pipe under the name of the file that a workspace reads first: whoever opens it waits, as on a disk that does not answer.
    private struct SlowFolder {
      private let pipe: String

      init(_ id: String, in data: String) throws {
        let folder = data + "/workspaces/" + id
        pipe = folder + "/apus.version"
        _ = mkdir(data + "/workspaces", 0o755)
        try #require(mkdir(folder, 0o755) == 0 && mkfifo(pipe, 0o644) == 0)
      }

      /// Lets go whoever waits there until there is nothing more to wait for. False where that did not come.
      func answer(until isOver: () throws -> Bool) rethrows -> Bool {
        try eventually(within: .seconds(20), every: .milliseconds(2)) {
          let descriptor = open(pipe, O_WRONLY | O_NONBLOCK)
          if descriptor >= 0 { close(descriptor) }
          return try isOver()
        }
      }
    }

    /// How a reload on another thread was answered; nil: not yet.
    private final class Reload: Sendable {
      let status = Mutex<Int?>(nil)
    }

    private static func isServed(_ id: String, _ server: ServerProcess) throws -> Bool {
      let path = "/workspaces/\(id)/api/v1/status/limits"
      return try server.request("GET", path, timeout: .seconds(10)).status == 200
    }

    @Test("a reload that waits for the disk of a workspace holds up no request of others")
    func slowReload() throws {
      let site = try Site()
      let file = try site.directory.write(Self.configuration(["good"]), to: "apus.yml")
      let server = try site.start(["--config.file=\(file)", "--web.enable-lifecycle", "--web.http-threads=1"])
      let folders = try ["slow-0", "slow-1"].map { try SlowFolder($0, in: site.data) }
      _ = try site.directory.write(Self.configuration(["good", "slow-0", "slow-1"]), to: "apus.yml")
      let reload = Reload()
      startThread {
        let status = (try? server.request("POST", "/-/reload", timeout: .seconds(60)).status) ?? 0
        reload.status.withLock { $0 = status }
      }
      // Once the first is served, the reload waits until the second has answered.
      #expect(try folders[0].answer { try Self.isServed("slow-0", server) })
      #expect(try server.request("GET", "/-/healthy", timeout: .seconds(10)).status == 200)
      let start = recentTimestamp()
      for path in ["", "/workspaces/good"] {
        let answer = try server.write(counting("m", from: start, count: 1), to: path + "/api/v1/write")
        #expect(answer.status == 204, "\(answer.text)")
        #expect(try server.get("\(path)/api/v1/query?query=m&time=\(start / 1000)").text.contains(#","0"]}]"#))
      }
      #expect(folders[1].answer { reload.status.withLock { $0 } != nil })
      #expect(reload.status.withLock { $0 } == 200)
      #expect(
        try server.write(counting("m", from: start, count: 1), to: "/workspaces/slow-1/api/v1/write").status == 204)
      #expect(server.child.terminate() == .code(0))
    }

    @Test("a stop during a reload opens no further workspace")
    func stopDuringReload() throws {
      let site = try Site()
      let file = try site.directory.write(Self.configuration(["good"]), to: "apus.yml")
      let server = try site.start(["--config.file=\(file)"])
      let folders = try ["slow-0", "slow-1"].map { try SlowFolder($0, in: site.data) }
      _ = try site.directory.write(Self.configuration(["good", "slow-0", "slow-1", "late"]), to: "apus.yml")
      server.child.send(SIGHUP)
      #expect(try folders[0].answer { try Self.isServed("slow-0", server) })
      server.child.send(SIGTERM)
      let isStopping = eventually(within: .seconds(10)) {
        server.child.standardError.text.contains("Stopping: letting requests finish")
      }
      #expect(isStopping)
      #expect(folders[1].answer { server.child.poll() != nil })
      #expect(server.child.poll() == .code(0))
      #expect(!namesInFolder(site.data + "/workspaces").contains("late"))
    }

    @Test("a workspace tells of itself, not of the default one; one that is not there is told as such everywhere")
    func ownAnswers() throws {
      let site = try Site()
      let file = try site.directory.write(
        Self.configuration([]) + "  - {id: short, retention: {time: 3h}}\n", to: "apus.yml")
      let server = try site.start(["--config.file=\(file)", "--web.enable-admin-api"])
      func answer(_ path: String) throws -> String { try server.get("\(path)/api/v1/status/runtimeinfo").text }
      #expect(try answer("").contains(#""storageRetention":"15d""#))
      #expect(try answer("/workspaces/short").contains(#""storageRetention":"3h""#))
      #expect(try server.get("/api/v1/metadata?limit=1").text != #"{"status":"success","data":{}}"#)
      #expect(try server.get("/workspaces/short/api/v1/metadata").text == #"{"status":"success","data":{}}"#)
      for (method, path) in [
        ("POST", "admin/tsdb/snapshot"), ("POST", "admin/tsdb/clean_tombstones"),
        ("POST", "admin/tsdb/delete_series?match[]=up"), ("GET", "status/tsdb/blocks"), ("GET", "query?query=up"),
        ("GET", "labels"), ("GET", "status/runtimeinfo"),
      ] {
        let answer = try server.request(method, "/workspaces/nope/api/v1/" + path)
        #expect(
          answer.status == 404
            && answer.text == #"{"status":"error","errorType":"not_found","error":"no such workspace: nope"}"#,
          "\(path): \(answer.status) \(answer.text)")
      }
      #expect(try server.get("/metrics").text.contains("apus_unknown_workspace_requests_total 7\n"))
    }
  }
}
