import Discovery
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import Notify

@Suite("Hand-over of definitions")
struct HandoverTests {
  /// An Alertmanager that takes configurations or does not, with its files on a disk in memory.
  private final class Rig: Sendable {
    static let folder = "/am"
    static let config = folder + "/alertmanager.yml"

    let disk: SimulatedDisk
    let delivery: DefinitionDelivery
    private let notifier = NotifierRig()
    private let server: ScriptedServer

    /// `stored`: what an earlier run has stored.
    init(_ disk: SimulatedDisk = SimulatedDisk(), stored: [UInt8]? = nil) throws {
      self.disk = disk
      if (try? disk.status(Rig.folder)) == nil {
        try disk.makeDirectory(Rig.folder)
        try disk.syncDirectory("/")
      }
      let answer = Answer()
      self.answer = answer
      server = try ScriptedServer { _ in answer.text }
      delivery = DefinitionDelivery(
        notifier.notifier,
        DiscoverySurroundings(
          clock: SimulatedClock(), log: Log(level: .error, format: .logfmt) { _ in }, registry: MetricsRegistry(),
          userAgent: "Apus"), disk: disk)
      if let stored { delivery.restore(stored, of: "default") }
      var binding = AlertmanagerBinding()
      binding.url = server.url("")
      binding.configFile = Rig.config
      delivery.reconfigure([binding], allowsPrivate: false)
    }

    deinit {
      delivery.stop()
      notifier.notifier.stop()
    }

    private final class Answer: Sendable {
      let refusal = Mutex<String?>(nil)
      var text: String {
        guard let text = refusal.withLock({ $0 }) else { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" }
        return "HTTP/1.1 500 Internal Server Error\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
      }
    }
    private let answer: Answer

    /// Refuses every configuration with this text; nil: takes them.
    func refuse(_ text: String?) { answer.refusal.withLock { $0 = text } }

    var reloads: Int { server.requests.count { $0.hasPrefix("POST /-/reload ") } }

    func change(_ definition: [UInt8]?) -> DefinitionRefusal? {
      do throws(DefinitionRefusal) {
        try delivery.change(definition, of: "default")
        return nil
      } catch { return error }
    }

    /// Files of the folder with their texts.
    func files() throws -> [String: String] {
      var files: [String: String] = [:]
      for name in try disk.list(Rig.folder) { files[name] = try text(name) }
      return files
    }

    func text(_ name: String) throws -> String {
      let file = try disk.open("\(Rig.folder)/\(name)", .read)
      defer { try? file.close() }
      return String(decoding: try file.bytes(try file.size(), at: 0), as: UTF8.self)
    }

    func write(_ text: String, to name: String) throws {
      try AtomicReplace.write(Array(text.utf8), to: "\(Rig.folder)/\(name)", on: disk)
    }
  }

  private static func definition(_ receiver: String, _ templates: [(name: String, text: String)] = []) -> [UInt8] {
    let files = templates.map { "  \($0.name): '\($0.text)'\n" }.joined()
    return Array(
      """
      alertmanager_config: '{route: {receiver: \(receiver)}, receivers: [{name: \(receiver)}]}'
      template_files:
      \(templates.isEmpty ? "  {}\n" : files)
      """.utf8)
  }

  @Test(
    "a template takes the place of no file beside the configuration that no definition has brought",
    arguments: ["apus.yml", "alertmanager.yml", "alertmanager.yml.templates", "alertmanager.yml.tmp"])
  func foreignFiles(_ name: String) throws {
    let rig = try Rig()
    try rig.write("mine", to: "apus.yml")
    try rig.write("before", to: "alertmanager.yml")
    let before = try rig.files()
    guard case .refused(let why) = rig.change(Self.definition("a", [("t.tmpl", "1"), (name, "theirs")])) else {
      Issue.record("taken")
      return
    }
    #expect(why.contains(name), "\(why)")
    #expect(try rig.files() == before)
    #expect(rig.reloads == 0)
    // The same text does not make it a template either.
    #expect(rig.change(Self.definition("a", [("apus.yml", "mine")])) != nil)
    #expect(rig.change(Self.definition("a", [("t.tmpl", "1")])) == nil)
    #expect(try rig.text("apus.yml") == "mine")
  }

  @Test("templates change with their definition and go with it, also after a start, and leave other files alone")
  func lifeOfTemplates() throws {
    let rig = try Rig()
    try rig.write("mine", to: "apus.yml")
    #expect(rig.change(Self.definition("a", [("x", "1"), ("y", "1")])) == nil)
    let second = Self.definition("b", [("x", "2"), ("z", "2")])
    #expect(rig.change(second) == nil)
    #expect(try rig.text("x") == "2" && rig.text("z") == "2")
    #expect(try rig.files()["y"] == nil)
    let restarted = try Rig(rig.disk, stored: second)
    #expect(restarted.delivery.fault(of: "default") == nil)
    #expect(restarted.change(Self.definition("c", [("x", "3")])) == nil)
    #expect(try restarted.text("x") == "3")
    #expect(try restarted.files()["z"] == nil)
    #expect(restarted.change(nil) == nil)
    #expect(try restarted.files().keys.sorted() == ["alertmanager.yml", "apus.yml"])
    #expect(try restarted.text("alertmanager.yml").contains("nobody"))
    #expect(try restarted.text("apus.yml") == "mine")
  }

  @Test("what the Alertmanager refuses leaves each file as it was, and its words are told")
  func refused() throws {
    let rig = try Rig()
    #expect(rig.change(Self.definition("a", [("x", "1"), ("y", "1")])) == nil)
    let (before, reloads) = (try rig.files(), rig.reloads)
    rig.refuse("failed to reload config: template: x:1: unexpected \"}\"\n")
    guard case .refused(let why) = rig.change(Self.definition("b", [("x", "2"), ("z", "2")])) else {
      Issue.record("taken")
      return
    }
    #expect(why.contains("template: x:1: unexpected \"}\""))
    #expect(try rig.files() == before)
    // It is told to read the old ones again.
    #expect(rig.reloads == reloads + 2)
    rig.refuse("no idea")
    guard case .failed = rig.change(Self.definition("b", [("z", "2")])) else {
      Issue.record("not a failure")
      return
    }
    #expect(try rig.files() == before)
    rig.refuse(nil)
    #expect(rig.change(Self.definition("b", [("z", "2")])) == nil)
    #expect(try rig.files()["x"] == nil)
  }

  @Test("a configuration that cannot be read is not overwritten")
  func unreadable() throws {
    let rig = try Rig()
    try rig.write("before", to: "alertmanager.yml")
    rig.disk.inject(SimulatedFault(code: 5) { operation, path in operation == .open && path == Rig.config })
    guard case .failed(let why) = rig.change(Self.definition("a")) else {
      Issue.record("taken")
      return
    }
    #expect(why.contains("alertmanager.yml"), "\(why)")
    rig.disk.removeFaults()
    #expect(try rig.text("alertmanager.yml") == "before")
  }

  @Test(
    "after a crash at any step of a change, each definition can be put into effect, and none of its files stay behind")
  func crashes() throws {
    let first = Self.definition("a", [("x", "1"), ("y", "1")])
    let second = Self.definition("b", [("x", "2"), ("z", "2")])
    for step in 0..<200 {
      let rig = try Rig()
      try rig.write("mine", to: "apus.yml")
      #expect(rig.change(first) == nil)
      rig.disk.stop(afterOperation: rig.disk.operationCount + step)
      _ = rig.change(second)
      let isDone = !rig.disk.isStopped
      _ = rig.disk.crash(seed: UInt64(step))
      // The record of the definition is written behind it: after the crash it may be either.
      let after = try Rig(rig.disk, stored: step % 2 == 0 ? first : second)
      #expect(after.delivery.fault(of: "default") == nil, "step \(step)")
      #expect(after.change(Self.definition("c", [("x", "3"), ("y", "3"), ("z", "3")])) == nil, "step \(step)")
      #expect(after.change(nil) == nil, "step \(step)")
      let left = try after.files().keys.filter { !$0.hasSuffix(AtomicReplace.temporarySuffix) }.sorted()
      #expect(left == ["alertmanager.yml", "apus.yml"], "step \(step)")
      #expect(try after.text("apus.yml") == "mine")
      if isDone { return #expect(step > 6) }
    }
    Issue.record("the change never ended")
  }
}
