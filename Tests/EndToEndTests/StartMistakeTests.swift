import TestKit
import Testing

extension EndToEnd {
  /// A mistake at the start: one clear line, exit code 2, nothing touched.
  @Suite("Mistakes at the start", .serialized)
  struct StartMistakes {
    /// On a port of its own: the usual one may be taken on this machine, which would be another mistake.
    private func expectRefusal(
      _ arguments: [String], port: UInt16 = FreePort.next(), naming words: [String]
    ) throws {
      let child = try ChildProcess(try apusBinary(), arguments + ["--web.listen-address=127.0.0.1:\(port)"])
      #expect(child.wait(within: .seconds(30)) == .code(2), "\(arguments): \(child.standardError.text)")
      child.killAndReap()
      let output = child.standardOutput.complete() + child.standardError.complete()
      #expect(output.split(separator: "\n").count == 1, "\(output)")
      for word in words { #expect(output.contains(word), "'\(word)' in: \(output)") }
    }

    @Test("an unknown flag")
    func unknownFlag() throws {
      let site = try Site()
      try expectRefusal(["--storage.tsdb.path=\(site.data)", "--no.such.flag=1"], naming: ["no.such.flag"])
      #expect(namesInFolder(site.directory.path).isEmpty)
    }

    @Test("a value that a flag cannot take")
    func badValue() throws {
      let site = try Site()
      try expectRefusal(
        ["--storage.tsdb.path=\(site.data)", "--storage.tsdb.retention.time=soon"],
        naming: ["storage.tsdb.retention.time", "soon"])
      #expect(namesInFolder(site.directory.path).isEmpty)
    }

    @Test("a port that is taken")
    func takenPort() throws {
      let site = try Site()
      let taken = try TakenPort()
      try expectRefusal(
        ["--storage.tsdb.path=\(site.data)"], port: taken.port, naming: ["\(taken.port)"])
      #expect(namesInFolder(site.directory.path).isEmpty)
    }

    @Test("a data directory that another server holds")
    func lockedDirectory() throws {
      let site = try Site()
      let holder = try site.start()
      try expectRefusal(["--storage.tsdb.path=\(site.data)"], naming: [site.data])
      #expect(try holder.get("/-/healthy").status == 200)
      // The lock goes with the process, however it ends.
      holder.child.killAndReap()
      #expect(try site.start().get("/-/healthy").status == 200)
    }

    @Test("a data directory that cannot be one")
    func impossibleDirectory() throws {
      let site = try Site()
      let file = try site.directory.write("not a folder", to: "file")
      try expectRefusal(["--storage.tsdb.path=\(file)/data"], naming: ["\(file)"])
      #expect(readFile(file) == Array("not a folder".utf8))
    }

    @Test("a configuration with an unknown key, named by file, line and column")
    func unknownKey() throws {
      let site = try Site()
      let file = try site.directory.write("global:\n  scrape_interval: 15s\n  no_such_key: 1\n", to: "apus.yml")
      try expectRefusal(
        ["--config.file=\(file)", "--storage.tsdb.path=\(site.data)"], naming: ["\(file):3:3", "no_such_key"])
      #expect(namesInFolder(site.directory.path) == ["apus.yml"])
    }

    @Test("two workspaces of one id, named by file, line and column")
    func workspaceTwice() throws {
      let site = try Site()
      let text = "apus:\n  workspaces:\n  - {id: ws-1, alias: a}\n  - {id: ws-1, alias: b}\n"
      let file = try site.directory.write(text, to: "apus.yml")
      try expectRefusal(
        ["--config.file=\(file)", "--storage.tsdb.path=\(site.data)"], naming: ["\(file):4:6", "the id ws-1"])
      #expect(namesInFolder(site.directory.path) == ["apus.yml"])
    }

    @Test("a key that nothing reads is no mistake: the start names it in one line")
    func keyWithoutEffect() throws {
      let site = try Site()
      let text = "global: {external_labels: {a: b}}\nruntime: {gogc: 50}\napus: {ha: {enabled: false}}\n"
      let file = try site.directory.write(text, to: "apus.yml")
      let server = try site.start(["--config.file=\(file)"])
      #expect(try server.get("/-/healthy").status == 200)
      server.child.killAndReap()
      let log = server.child.standardError.complete().split(separator: "\n").filter { $0.contains("not served") }
      #expect(log.count == 1 && log[0].hasSuffix("by this version: runtime\""), "\(log)")
    }

    @Test("a configuration file that is not there")
    func missingConfiguration() throws {
      let site = try Site()
      try expectRefusal(
        ["--config.file=\(site.directory.path)/absent.yml", "--storage.tsdb.path=\(site.data)"], naming: ["absent.yml"])
    }
  }
}
