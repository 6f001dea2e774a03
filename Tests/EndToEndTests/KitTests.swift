import TestKit
import Testing

/// The kit itself: a tool that hides failures would make every other test worthless.
@Suite("The test kit")
struct KitTests {
  @Test("a child's output, exit code and end are seen")
  func childEnds() throws {
    let child = try ChildProcess("/bin/sh", ["-c", "echo out; echo err >&2; exit 7"])
    #expect(child.wait(within: .seconds(20)) == .code(7))
    #expect(child.standardOutput.complete() == "out\n")
    #expect(child.standardError.complete() == "err\n")
  }

  @Test("a child gets its folder and its environment")
  func childSurroundings() throws {
    let child = try ChildProcess(
      "/bin/sh", ["-c", "echo $PWD $KIT_WORD"], environment: ["KIT_WORD": "hello"], directory: "/usr")
    #expect(child.standardOutput.complete() == "/usr hello\n")
  }

  @Test("a killed child takes what it started with it")
  func groupIsKilled() throws {
    let child = try ChildProcess("/bin/sh", ["-c", "sleep 600 & echo $!; wait"])
    let id = try #require(
      eventually(within: .seconds(20)) { child.standardOutput.text.split(separator: "\n").first.map(String.init) })
    child.killAndReap()
    #expect(child.poll() == .signal(9))
    let gone = eventually(within: .seconds(20)) {
      // A zombie that init has not reaped yet is gone, too.
      readFile("/proc/\(id)/stat").map { String(decoding: $0, as: UTF8.self).contains(") Z ") } ?? true
    }
    #expect(gone)
  }

  @Test("a child that ignores SIGTERM is killed and reported")
  func stubbornChild() throws {
    let child = try ChildProcess("/bin/sh", ["-c", "trap '' TERM; echo set; while :; do sleep 0.05; done"])
    #expect(eventually(within: .seconds(20)) { child.standardOutput.text == "set\n" })
    #expect(child.terminate(within: .milliseconds(200)) == nil)
    #expect(!child.isRunning)
  }

  @Test("a program that is not there is an error, not a crash")
  func missingProgram() {
    #expect(throws: ChildProcess.SpawnError.self) { try ChildProcess("/nonexistent/program") }
  }

  @Test("more output than the limit costs its beginning alone")
  func outputIsBounded() throws {
    let child = try ChildProcess("/bin/sh", ["-c", "head -c 5000000 /dev/zero | tr '\\0' x; echo end"])
    #expect(child.wait(within: .seconds(30)) == .code(0))
    let text = child.standardOutput.complete()
    #expect(text.utf8.count <= 2 * CapturedOutput.limitBytes)
    #expect(text.utf8.count + child.standardOutput.bytesDropped == 5_000_004)
    #expect(text.hasSuffix("xxend\n"))
  }

  @Test("the CPU and memory of a busy child are seen")
  func usage() throws {
    let child = try ChildProcess("/bin/sh", ["-c", "while :; do :; done"])
    let usage = eventually(within: .seconds(20)) { child.usage.flatMap { $0.cpuSeconds > 0.05 ? $0 : nil } }
    #expect(try #require(usage).residentBytes > 100_000)
    child.killAndReap()
    #expect(child.usage == nil)
  }

  @Test("a temporary directory goes with all it holds")
  func directoryIsRemoved() throws {
    var directory: TemporaryDirectory? = try TemporaryDirectory()
    let path = try #require(directory?.path)
    try directory?.makeFolder("inner")
    try directory?.write("text", to: "inner/file")
    #expect(readFile("\(path)/inner/file") == Array("text".utf8))
    directory = nil
    #expect(readFile("\(path)/inner/file") == nil)
    #expect(namesInFolder(path).isEmpty)
  }

  @Test("the same seed brings the same numbers, in range")
  func randomSource() {
    var first = RandomSource(seed: 7)
    var second = RandomSource(seed: 7)
    for _ in 0..<1000 {
      #expect(first.next() == second.next())
      #expect((0..<10).contains(first.below(10)))
      #expect((0..<1).contains(first.unit()))
      _ = (second.below(10), second.unit())
    }
    var other = RandomSource(seed: 8)
    #expect(first.next() != other.next())
  }

  @Test("a write request has the bytes of the protobuf specification")
  func bodyBytes() {
    var body = RemoteWriteBody()
    body.add("up", [:], [(300, 1)])
    let expected: [UInt8] =
      [0x0a, 30, 0x0a, 14, 0x0a, 8] + Array("__name__".utf8) + [0x12, 2] + Array("up".utf8)
      + [0x12, 12, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0xac, 0x02]
    #expect(body.message == expected)
  }
}

@Suite("The kit's JSON reader")
struct KitJSONTests {
  @Test("a whole answer reads back")
  func reads() throws {
    let json = try JSONValue(
      parsing:
        #"{"status":"success","data":{"result":[{"value":[1.5,"NaN"]},null,true,-2e3]},"e":"a\"\\\u00e9\ud83d\ude00"}"#)
    #expect(json["status"].string == "success")
    #expect(json["data"]["result"][0]["value"][0].number == 1.5)
    #expect(json["data"]["result"][0]["value"][1].string == "NaN")
    #expect(json["data"]["result"][1].isNull)
    #expect(json["data"]["result"][2].bool == true)
    #expect(json["data"]["result"][3].number == -2000)
    #expect(json["e"].string == "a\"\\é😀")
    #expect(json["absent"]["deeper"][3].isNull)
  }

  @Test(
    "what is not JSON is refused",
    arguments: [
      "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "nul", "1 2", "\"open", "\"\\x\"", "[1", "{1:2}", "+1", ".5", "1.",
      "\"\u{1}\"",
      String(repeating: "[", count: 1000),
    ])
  func refuses(_ text: String) {
    #expect(throws: JSONValue.SyntaxError.self) { try JSONValue(parsing: text) }
  }
}
