import TestKit
import Testing

/// The scripts of the repository on machines that are not there: programs of a folder of the test's own stand in front
/// of the real ones.
@Suite("The repository's scripts")
struct RepositoryScriptTests {
  private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  /// A machine with Swift, dpkg and apt, each a few lines of shell that write down how they were called.
  private final class Machine {
    let directory: TemporaryDirectory

    init() throws {
      directory = try TemporaryDirectory("apus-script")
      try program("swift", "echo 'Swift version 6.2 (test)'")
      try program("swift-frontend", "true")
      try program("dpkg-query", "echo installed")
      try program("ldd", "echo '\tstatically linked'")
      try program("apt-get", "true")
      try program("sudo", "exec \"$@\"")
    }

    func program(_ name: String, _ body: String) throws {
      let path = try directory.write(
        "#!/bin/sh\necho \"\(name) $*\" >>'\(directory.path("calls"))'\n\(body)\n", to: name)
      #expect(try ChildProcess("/bin/chmod", ["+x", path]).wait(within: .seconds(20)) == .code(0))
    }

    var calls: String { readFile(directory.path("calls")).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    func run(_ script: String, _ arguments: [String] = []) throws -> (exit: ChildProcess.Exit?, said: String) {
      let child = try ChildProcess(
        "\(root)/scripts/\(script)", arguments, environment: ["PATH": "\(directory.path):/usr/bin:/bin"])
      let exit = child.wait(within: .seconds(60))
      return (exit, child.standardError.complete() + child.standardOutput.complete())
    }
  }

  @Test("setup installs nothing where one name of a need is installed and dpkg-query does not know another")
  func unknownName() throws {
    let machine = try Machine()
    // As dpkg-query does it: an answer for the names it knows, and a failure for the others.
    try machine.program("dpkg-query", "echo installed; echo 'no packages found matching pkgconf' >&2; exit 1")
    let (exit, said) = try machine.run("setup", ["--test"])
    #expect(exit == .code(0), "\(said)")
    #expect(!machine.calls.contains("apt-get"), "\(machine.calls)")
  }

  @Test("setup installs what is not installed, removed packages too, and says so")
  func missingPackage() throws {
    let machine = try Machine()
    try machine.program(
      "dpkg-query", "case \"$*\" in *re2*) echo not-installed;; *yaml*) exit 1;; *) echo installed;; esac")
    let (exit, said) = try machine.run("setup")
    #expect(exit == .code(0), "\(said)")
    #expect(machine.calls.contains("install -y --no-install-recommends libyaml-dev libre2-dev\n"), "\(machine.calls)")
    #expect(said.contains("installed libyaml-dev libre2-dev"))
  }

  @Test("setup brings a library that the toolchain loads, and names one for which it knows no package")
  func missingLibrary() throws {
    let machine = try Machine()
    let mark = machine.directory.path("mark")
    try machine.program("ldd", "[ -e '\(mark)' ] || echo '\tlibncurses.so.6 => not found'")
    try machine.program("apt-get", "case \"$*\" in *install*) touch '\(mark)';; esac")
    var (exit, said) = try machine.run("setup")
    #expect(exit == .code(0), "\(said)")
    #expect(machine.calls.contains("install -y --no-install-recommends libncurses6\n"), "\(machine.calls)")
    try machine.program("ldd", "echo '\tlibstrange.so.1 => not found'")
    (exit, said) = try machine.run("setup")
    #expect(exit == .code(1) && said.contains("needs libstrange.so.1"), "\(said)")
  }

  @Test("setup says why the toolchain does not start, and which version is too old")
  func brokenToolchain() throws {
    let machine = try Machine()
    try machine.program("swift", "echo 'swift: cannot load libfoo' >&2; exit 127")
    var (exit, said) = try machine.run("setup")
    #expect(exit == .code(1) && said.contains("'swift --version' fails: swift: cannot load libfoo"), "\(said)")
    try machine.program("swift", "echo 'Swift version 6.1.2'")
    (exit, said) = try machine.run("setup")
    #expect(exit == .code(1) && said.contains("Swift 6.1 is too old: 6.2 or newer is needed"), "\(said)")
  }

  @Test("no build's arguments depend on where its output goes")
  func colours() throws {
    for name in namesInFolder(Self.root + "/scripts") {
      let text = String(decoding: try #require(readFile("\(Self.root)/scripts/\(name)")), as: UTF8.self)
      for line in text.split(separator: "\n") where line.contains("swift build") && !line.hasPrefix("#") {
        #expect(line.contains("swift build --no-color-diagnostics"), "\(name): \(line)")
      }
    }
  }
}
