import Glibc
import TestKit
import Testing

extension EndToEnd {
  @Suite("The end of a server", .serialized)
  struct Stop {
    /// Makes the window of a race between the threads of a server's end a few milliseconds wide.
    private static let slowPolling = """
      #define _GNU_SOURCE
      #include <dlfcn.h>
      #include <sys/epoll.h>
      #include <unistd.h>
      int epoll_ctl(int set, int operation, int descriptor, struct epoll_event *event) {
        int (*real)(int, int, int, struct epoll_event *) = dlsym(RTLD_NEXT, "epoll_ctl");
        usleep(3000);
        return real(set, operation, descriptor, event);
      }
      """

    @Test(
      "SIGTERM while clients come and go ends the process well, however slow the system is", .timeLimit(.minutes(2)))
    func underLoad() throws {
      let site = try Site()
      let source = try site.directory.write(Self.slowPolling, to: "slow.c")
      let library = site.directory.path("slow.so")
      let compiler = try ChildProcess("/usr/bin/cc", ["-shared", "-fPIC", "-o", library, source])
      #expect(compiler.wait(within: .seconds(30)) == .code(0))
      for _ in 0..<6 {
        let port = FreePort.next()
        let server = try ServerProcess(
          try apusBinary(), ["--storage.tsdb.path=\(site.data)", "--web.listen-address=127.0.0.1:\(port)"], port: port,
          environment: ["LD_PRELOAD": preloading(library)])
        let exits = onThreads(5) { number -> ChildProcess.Exit? in
          if number == 0 {
            sleepThread(.milliseconds(200))
            return server.child.terminate(within: .seconds(15))
          }
          while server.child.isRunning {
            if var connection = try? HTTPConnection(port: port, timeout: .seconds(2)) {
              _ = try? connection.exchange("GET", "/-/healthy")
            }
          }
          return nil
        }
        #expect(exits[0] == .code(0))
      }
    }

    @Test("clients that do not read, say nothing or trickle do not stretch the stop beyond its grace")
    func slowClients() throws {
      let site = try Site()
      let server = try site.start(["--web.shutdown-grace=1s"])
      try EndToEnd.writeWideSeries(server, count: 1_500)
      var clients: [Client] = []
      for request in [
        "", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\nX-Slow",
        "POST /api/v1/write HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc",
        "GET /api/v1/query?query=wide HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /federate?match[]=wide HTTP/1.1\r\nHost: a\r\n\r\n",
      ] {
        for _ in 0..<3 {
          let client = try Client(server.port)
          try client.connection.send(Array(request.utf8))
          clients.append(client)
        }
      }
      // A query that runs for longer than anybody waits.
      let query = try Client(server.port)
      let long = "/api/v1/query?timeout=100s&query=" + Self.endlessQuery
      try query.connection.send(Array("GET \(long) HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
      #expect(
        try eventually(within: .seconds(10)) {
          try server.get("/api/v1/status/active_queries").text.contains("sum_over_time")
        })
      let started = ContinuousClock.now
      server.child.send(SIGTERM)
      let answer = try? query.connection.readAnswer()
      #expect(answer?.status == 503 && answer?.text == "the server is stopping\n")
      #expect(server.child.wait(within: .seconds(30)) == .code(0))
      // The grace, the database's close, and a busy machine.
      #expect(ContinuousClock.now - started < .seconds(8))
      #expect(clients.count == 18)
    }

    /// Some billions of steps.
    private static let endlessQuery = "sum_over_time(sum_over_time(vector(1)[1d:1s])[1d:1s])"

    @Test("signals that tools and limits send change nothing, and the server goes on")
    func otherSignals() throws {
      let site = try Site()
      let server = try site.start()
      for signal in [SIGUSR1, SIGUSR2, SIGXFSZ, SIGPIPE] {
        server.child.send(signal)
        #expect(try server.get("/-/healthy").status == 200)
      }
      #expect(server.child.terminate(within: .seconds(20)) == .code(0))
    }
  }

  /// A connection that may be one of many.
  final class Client {
    var connection: HTTPConnection
    init(_ port: UInt16) throws { connection = try HTTPConnection(port: port, timeout: .seconds(20)) }
  }

  /// Series with labels so long that an answer about them is larger than what sockets hold.
  static func writeWideSeries(_ server: ServerProcess, count: Int) throws {
    let text = String(repeating: "wide", count: 1_000)
    let time = nowMilliseconds() - 1_000
    for first in stride(from: 0, to: count, by: 500) {
      var body = RemoteWriteBody()
      for index in first..<min(first + 500, count) {
        body.add("wide", ["index": "\(index)", "text": text + "\(index)"], [(time, Double(index))])
      }
      #expect(try server.write(body).status / 100 == 2)
    }
  }
}
