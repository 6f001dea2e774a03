import Format
import Platform
import PlatformSimulation
import Synchronization
import TestKit
import Testing

@testable import Rules

@Suite struct RuleStoreTests {
  private static let silent = Log(level: .error, format: .logfmt) { _ in }
  private static let path = "/data/apus.rules"

  private static func group(_ name: String, expression: String = "up") -> [UInt8] {
    Array("name: \(name)\nrules:\n- record: a\n  expr: \(expression)\n".utf8)
  }

  private static func disk() throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    try disk.makeDirectory("/data")
    try disk.syncDirectory("/")
    return disk
  }

  /// Opens the store of a disk; `lines` gets what the log says.
  private static func open(
    _ disk: SimulatedDisk, limits: RuleStoreLimits = RuleStoreLimits(), registry: MetricsRegistry = MetricsRegistry(),
    options: RuleFileOptions = RuleFileOptions()
  ) -> RuleStore {
    let damaged = DamagedFiles(
      Quarantine(disk, "/data/quarantine", log: silent), names: [RuleStore.damagedName], log: silent,
      registry: registry)
    return RuleStore(path, on: disk, options: options, limits: limits, log: silent, damaged: damaged)
  }

  private static func names(_ store: RuleStore) -> [String] { store.groups.map(\.key) }

  private static func failure(_ body: () throws(RuleStoreError) -> Void) -> String {
    do throws(RuleStoreError) {
      try body()
    } catch {
      return error.description
    }
    return "no error"
  }

  @Test("a group is put, replaced by its name and deleted; the last one takes its namespace along")
  func changes() throws {
    let disk = try Self.disk()
    let store = Self.open(disk)
    try store.put(Self.group("g1"), in: "b/ö %")
    try store.put(Self.group("g2"), in: "b/ö %")
    try store.put(Self.group("g1"), in: "a")
    #expect(Self.names(store) == ["a;g1", "b/ö %;g1", "b/ö %;g2"])
    try store.put(Self.group("g1", expression: "sum(up)"), in: "b/ö %")
    #expect(store["b/ö %"]?["g1"]?.text == "name: g1\nrules:\n- record: a\n  expr: sum(up)\n")
    #expect(store["b/ö %"]?.groups.map(\.name) == ["g1", "g2"])
    #expect(Self.names(Self.open(disk)) == Self.names(store))
    #expect(Self.failure { () throws(RuleStoreError) in try store.delete("g3", in: "a") } == "group does not exist")
    #expect(Self.failure { () throws(RuleStoreError) in try store.delete("c") } == "group namespace does not exist")
    try store.delete("g1", in: "a")
    #expect(store["a"] == nil)
    try store.delete("b/ö %")
    #expect(Self.open(disk).namespaces.isEmpty)
  }

  @Test("a rule file put as a namespace keeps its text; a group put into it afterwards writes it anew")
  func wholeFiles() throws {
    let disk = try Self.disk()
    let store = Self.open(disk)
    let text = "# by hand\ngroups:\n- {name: x, rules: [{alert: A, expr: up, labels: {m: 1, e: }, for: ~}]}\n"
    try store.replace("ns", with: Array(text.utf8))
    #expect(Self.open(disk)["ns"]?.text == text)
    #expect(
      store["ns"]?["x"]?.text == "name: x\nrules:\n- alert: A\n  expr: up\n  labels:\n    m: \"1\"\n    e: \"\"\n")
    try store.put(Self.group("y"), in: "ns")
    #expect(store["ns"]?.text.hasPrefix("groups:\n- name: x\n  rules:\n  - alert: A\n") == true)
    #expect(Self.open(disk).namespaces == store.namespaces)
    #expect(
      Self.failure { () throws(RuleStoreError) in try store.replace("ns", with: Array("groups: x".utf8)) }
        == "unable to decode rule group: line 1: cannot unmarshal !!str `x` into []rulefmt.RuleGroup")
    #expect(store["ns"]?.groups.count == 2)
  }

  @Test("every change is told with all groups, after it is on the disk; one that changes nothing is not")
  func told() throws {
    let disk = try Self.disk()
    let store = Self.open(disk)
    let seen = Mutex<[[String]]>([])
    store.onChange { groups in
      let stored = Self.names(Self.open(disk))
      seen.withLock { $0.append(stored == groups.map(\.key) ? stored : ["not what is stored"]) }
    }
    try store.put(Self.group("g"), in: "a")
    let operations = disk.operationCount
    try store.put(Self.group("g"), in: "a")
    #expect(disk.operationCount == operations)
    try store.delete("a")
    #expect(seen.withLock { $0 } == [["a;g"], []])
  }

  @Test("what breaks a rule or a limit is refused and changes nothing")
  func refusals() throws {
    var limits = RuleStoreLimits()
    (limits.groupsMax, limits.rulesMax, limits.groupBytesMax, limits.bytesMax) = (2, 2, 200, 300)
    limits.nameBytesMax = 10
    let disk = try Self.disk()
    let store = Self.open(disk, limits: limits)
    func put(_ text: String, in namespace: String = "n") -> String {
      Self.failure { () throws(RuleStoreError) in try store.put(Array(text.utf8), in: namespace) }
    }
    let rule = "- {record: a, expr: up}\n"
    #expect(
      put("name: [") == "unable to decode rule group: 2:1: did not find expected node content while parsing a flow node"
    )
    #expect(put("- a") == "unable to decode rule group: 1:1: a list is no rule group")
    #expect(
      put("name: g\nrules:\n- {record: a, expr: sum(}\n- {record: b, for: 1m, expr: up}\n")
        == "3:21: group \"g\", rule 1, \"a\": could not parse expression: 1:5: parse error: unclosed left parenthesis, "
        + "4:12: group \"g\", rule 2, \"b\": invalid field 'for' in recording rule")
    #expect(
      put("name: g\nsource_tenants: [a]\nrules: 5\n")
        == "unable to decode rule group: line 2: field source_tenants not found in type rulefmt.RuleGroup, "
        + "line 3: cannot unmarshal !!int `5` into []rulefmt.Rule")
    #expect(
      put("name: g\nrules:\n" + rule + rule + rule)
        == "per-user rules per rule group limit (limit: 2 actual: 3) exceeded")
    #expect(put(String(repeating: " ", count: 201)) == "a rule group may have 200 bytes, this one has 201")
    // A few aliases that stand for much.
    let large =
      "name: g\nlabels: {a: &x \(String(repeating: "z", count: 50)), b: *x, c: *x, d: *x, e: *x}\nrules:\n" + rule
    #expect(put(large) == "the text stands for more than 200 bytes once its aliases are expanded")
    #expect(
      put("name: g\nrules:\n" + rule, in: "0123456789")
        == "the names of a namespace and a group may have 10 bytes together; these have 11")
    #expect(put("name: g\nrules:\n" + rule, in: "") == "a namespace must be provided in the request")
    #expect(store.namespaces.isEmpty && disk.operationCount == 2)
    for name in ["g1", "g2"] { #expect(put("name: \(name)\nrules:\n" + rule) == "no error") }
    #expect(put("name: g3\nrules:\n" + rule) == "per-user rule groups limit (limit: 2 actual: 3) exceeded")
    #expect(put("name: g2\nrules:\n" + rule + rule) == "no error")
    let long = "name: g2\nrules:\n- {record: a, expr: \(String(repeating: "u", count: 120))}\n"
    #expect(put(long) == "no error")
    #expect(
      put(long.replacing("g2", with: "g1"))
        == "the stored rule groups of a workspace may have 300 bytes, these would have 338")
    #expect(Self.names(Self.open(disk)) == ["n;g1", "n;g2"])
  }

  @Test("a crash at any step of a change leaves the groups before it or those after it")
  func crashes() throws {
    for step in 0..<60 {
      let disk = try Self.disk()
      let store = Self.open(disk)
      try store.put(Self.group("old"), in: "n")
      let before = disk.operationCount
      disk.stop(afterOperation: before + step)
      let outcome = Self.failure { () throws(RuleStoreError) in try store.put(Self.group("new"), in: "n") }
      let isDone = !disk.isStopped
      #expect((outcome == "no error") == isDone || outcome.hasPrefix("the rule groups could not be stored"))
      #expect(Self.names(store) == (outcome == "no error" ? ["n;old", "n;new"] : ["n;old"]))
      let kind = disk.crash(seed: UInt64(step))
      let registry = MetricsRegistry()
      let found = Self.names(Self.open(disk, registry: registry))
      #expect(found == ["n;old", "n;new"] || (found == ["n;old"] && !isDone), "step \(step) \(kind): \(found)")
      if isDone { return #expect(step > 4) }
    }
    Issue.record("the change never ended")
  }

  @Test("a damaged file is told and kept, and the groups before the last change count")
  func damage() throws {
    let disk = try Self.disk()
    let store = Self.open(disk)
    try store.put(Self.group("g1"), in: "n")
    try store.put(Self.group("g2"), in: "n")
    let file = try disk.open(Self.path, .readWrite)
    try withUnsafeBytes(of: UInt8(ascii: "X")) { try file.write($0, at: 40) }
    try file.close()
    let registry = MetricsRegistry()
    #expect(Self.names(Self.open(disk, registry: registry)) == ["n;g1"])
    let text = String(decoding: Exposition.bytes(of: registry.families()), as: UTF8.self)
    #expect(text.contains("apus_damaged_files_total{file=\"apus.rules\"} 1"))
    #expect(try disk.list("/data/quarantine") == ["apus.rules"])
  }

  @Test("a namespace that cannot be read any more is kept as it is, shown to nobody, and can be replaced")
  func unreadable() throws {
    let disk = try Self.disk()
    try Self.open(disk).put(Array("name: g\nrules:\n- {record: ä, expr: up}\n".utf8), in: "n")
    var picky = RuleFileOptions()
    picky.namesAreLegacy = true
    let store = Self.open(disk, options: picky)
    #expect(store.groups.isEmpty && store["n"]?.fault?.contains("invalid recording rule name: ä") == true)
    #expect(
      Self.failure { () throws(RuleStoreError) in try store.put(Self.group("h"), in: "n") }
        .hasPrefix("the namespace cannot be read, delete it before anything is put into it: "))
    store.reconfigure(picky)
    #expect(store.groups.isEmpty)
    store.reconfigure(RuleFileOptions())
    #expect(Self.names(store) == ["n;g"])
    let later = Self.open(disk)
    try later.put(Self.group("h"), in: "m")
    #expect(Self.names(later) == ["m;h", "n;g"])
    let again = Self.open(disk, options: picky)
    try again.delete("m")
    #expect(Self.names(Self.open(disk)) == ["n;g"])
  }

  @Test("any bytes of a body are read or refused, and what is read comes back")
  func bodies() throws {
    let store = Self.open(try Self.disk())
    try store.put(Self.group("g"), in: "a b")
    try store.put(Self.group("h"), in: "c")
    let body = RuleStoreFile.encode(store.namespaces)
    let whole = RuleStoreFile.decode(body)
    #expect(whole?.map(\.name) == ["a b", "c"])
    for place in body.indices {
      let cut = RuleStoreFile.decode(Array(body[..<place]))
      #expect(cut == nil || cut == [] || cut == Array((whole ?? []).prefix(1)), "\(place)")
      for value: UInt8 in [0, 10, 32, 57, 255] {
        var changed = body
        changed[place] = value
        _ = RuleStoreFile.decode(changed)
      }
    }
    for wrong in [
      "namespace a 9223372036854775807\n", "namespace a -1\n\n", "namespace  0\n\n", "namespace a 0\nx", "x",
      "namespace a 0\n\nnamespace a 0\n\n", "namespace %FF 0\n\n", "namespace a 0 0\n\n",
    ] { #expect(RuleStoreFile.decode(Array(wrong.utf8)) == nil, "\(wrong)") }
  }

  @Test("a group of aliases that stand for gigabytes is refused before anything is made of it")
  func aliases() throws {
    let store = Self.open(try Self.disk())
    let long = "name: g\nrules:\n- record: a\n  expr: &x \"\(String(repeating: "a", count: 400_000))\"\n"
    let text = Array((long + String(repeating: "- {record: a, expr: *x}\n", count: 20_000)).utf8)
    let outcome = Self.failure { () throws(RuleStoreError) in try store.put(text, in: "n") }
    #expect(outcome == "the text stands for more than 1048576 bytes once its aliases are expanded")
    #expect(
      Self.failure { () throws(RuleStoreError) in
        try store.replace("n", with: Array("groups: [*x]".utf8))
      } == "unable to decode rule group: 1:10: the alias *x has no anchor before it")
  }

  @Test("whatever a client sends as a group or as a file: what is taken comes back from the disk, and says the same")
  func mutations() throws {
    var random = RandomSource(for: "stored groups")
    let seeds = [
      "name: g\nlabels: {a: 1, b: ~}\nlimit: 3\nrules:\n- {alert: A, expr: up == 0, for: 5m, annotations: {b: ~, c: 'x: y'}}\n",
      "name: 1\ninterval: 30s\nquery_offset: 0s\nrules:\n- record: a:b\n  expr: |\n    sum(up)\n    > 1\n- record: on\n  expr: 1\n",
      "groups:\n- &g {name: g, rules: [{record: a, expr: sum(up)}]}\n- {<<: *g, name: \"\\u00fc: #\"}\n",
    ].map { Array($0.utf8) }
    let marks = Array(":-{}[]&*!|>'\"#~\n \t,0ax%".utf8)
    var taken = 0
    for _ in 0..<1500 {
      var text = seeds[random.below(seeds.count)]
      for _ in 0..<random.below(4) {
        let place = random.below(text.count)
        switch random.below(3) {
        case 0: text[place] = marks[random.below(marks.count)]
        case 1: text.insert(marks[random.below(marks.count)], at: place)
        default: text.remove(at: place)
        }
      }
      let disk = try Self.disk()
      let store = Self.open(disk)
      if Self.failure({ () throws(RuleStoreError) in try store.put(text, in: "n") }) == "no error" { taken += 1 }
      if Self.failure({ () throws(RuleStoreError) in try store.replace("w", with: text) }) == "no error" { taken += 1 }
      let again = Self.open(disk)
      #expect(again.namespaces == store.namespaces, "\(String(decoding: text, as: UTF8.self))")
      if again.namespaces != store.namespaces { break }
    }
    #expect(taken > 300)
  }
}
