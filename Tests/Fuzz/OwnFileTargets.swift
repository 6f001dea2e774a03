import Format
import Model
import PlatformSimulation
import TestKit

@testable import Ingest
@testable import Notify
@testable import Platform
@testable import Rules
@testable import TSDB

// The small files that only Apus knows, each by itself: what its reader makes of it, then a whole server on it. The first
// byte says how the rest lies on the disk: as it is, sealed, or sealed as the generation before a damaged one.
extension FuzzTarget {
  static let ownFiles = [
    FuzzTarget(name: "version-file", seeds: { ownFile(["2\n", "1\n", "3\n", "x"], raw: ["1", "1\n"]) }) { bytes in
      let disk = placed(bytes, as: layout.version, DataVersion.file)
      let registry = MetricsRegistry()
      let damaged = DamagedFiles(
        Quarantine(disk, layout.quarantine, log: .silent), names: [], log: .silent, registry: registry)
      do {
        try DataVersion.check(layout, disk, damaged, .silent)
      } catch {
        return
      }
      let now = DataVersion.file(layout.version, on: disk).read()
      precondition(now.damage == nil, "the version was not written anew: \(now.damage ?? "")")
      precondition(now.contents.flatMap { DataVersion.number(of: $0.body) }.map { $0 <= DataVersion.number } == true)
    },
    FuzzTarget(
      name: "flush-mark", seeds: { ownFile(["1700000000000 1700000000000\n", "7200000\n", "-5 7"], raw: ["7200000"]) }
    ) { bytes in
      let disk = placed(bytes, as: layout.flushMark, FlushMark.file)
      guard let body = FlushMark.file(layout.flushMark, on: disk).read().contents?.body, let mark = FlushMark(body)
      else { return }
      precondition(FlushMark(mark.body) == mark, "a mark does not come back")
      for present in [nil, Int64.min, 0, .max] {
        for expired in [Int64.min, 0, .max] { _ = mark.objection(newestBlockEnd: present, expired: expired) }
      }
      useServer(on: disk)
    },
    FuzzTarget(
      name: "leader-table",
      seeds: { ownFile(["a r0 5 6 7\n", "a%20b r1 -1 9223372036854775807 1 once\n%25 %00 0 0 0\n", ""], raw: []) }
    ) { bytes in
      let disk = placed(bytes, as: layout.haLeaders, LeaderTable.file)
      let reading = LeaderTable.file(layout.haLeaders, on: disk).read()
      guard let body = reading.contents?.body, let leaders = LeaderTable.decode(body) else { return }
      precondition(LeaderTable.decode(LeaderTable.encode(leaders)) == leaders, "a table does not come back")
      useServer(on: disk)
    },
    FuzzTarget(
      name: "deletions", seeds: { FileSeeds.tombstones.flatMap { [[0] + $0, [1] + $0, [2] + $0] } }
    ) { bytes in
      guard let first = bytes.first else { return }
      let body = Array(withSum(UnsafeRawBufferPointer(rebasing: bytes[1...]), from: 5))
      let disk = ([first] + body).withUnsafeBytes { bytes in
        placed(bytes, as: layout.deletions) { SealedFile($0, name: "deleted", format: 2, on: $1) }
      }
      guard body.lend({ Tombstones(file: $0) }) != nil else { return }
      useServer(on: disk)
    },
    FuzzTarget(
      name: "restore-list",
      seeds: { ownFile(["01ARZ3NDEKTSV4RRFFQ69G5FAV\n", "x\n", ""], raw: ["01ARZ3NDEKTSV4RRFFQ69G5FAV"]) }
    ) { bytes in
      let disk = placed(bytes, as: layout.restore) { SealedFile($0, name: "restore", format: 1, on: $1) }
      if let outcome = try? RestoreJournal(layout.root, on: disk).finish(), outcome.damage == nil {
        precondition((try? disk.status(layout.restore)) == nil, "a list that was worked off is still there")
      }
      useServer(on: disk)
    },
    metadataFile, receiverState, ruleStore, alertState, usage,
  ]

  /// The state of receivers of alerts: the groups come back, and no alert of them is counted twice.
  private static let receiverState = FuzzTarget(
    name: "receiver-state",
    seeds: {
      ownFile(
        [
          #"{"savedAt":1,"receivers":[{"name":"a","groups":[{"labels":{"x":"y"},"next":5,"told":{"at":1,"firing":["ff"]},"#
            + #""alerts":[{"labels":{"a":"b"},"annotations":{},"startsAt":1,"endsAt":2,"isResolved":false,"#
            + #""generatorURL":"u"}]}]}]}"#, #"{"savedAt":-9223372036854775808,"receivers":[]}"#,
        ], raw: [])
    }
  ) { bytes in
    let disk = placed(bytes, as: layout.notify) { SealedFile($0, name: "notify", format: 1, on: $1) }
    let damaged = DamagedFiles(
      Quarantine(disk, layout.quarantine, log: .silent), names: [], log: .silent, registry: MetricsRegistry())
    let file = ReceiverStateFile(layout.notify, on: disk, damaged: damaged)
    let receivers = file.read(at: 1_700_000_000_000)
    var table = AlertGroupTable(ReceiverOptions(), alertsMax: 1_000)
    for (labels, group) in receivers.values.flatMap({ $0 }) { table.restore(labels, group) }
    while let message = table.takeDue(at: 1_700_000_000_000) { table.delivered(message) }
    precondition(
      table.alertCount == table.groups.values.reduce(0) { $0 + $1.alerts.count }, "alerts are counted wrong")
    let body = ReceiverStateFile.encode(receivers, at: 5)
    precondition(ReceiverStateFile.decode(body, at: 5) == receivers, "groups do not come back")
  }

  /// The file of stored rule groups, then the same bytes as a group and as a whole rule file that a client puts. What the
  /// store takes comes back from its file, and the text that it writes of a group says what the group said.
  private static let ruleStore = FuzzTarget(
    name: "rule-store",
    seeds: {
      let group = "name: g\nlabels: {a: 1}\nrules:\n- {alert: A, expr: up == 0, for: 5m, annotations: {b: ~}}\n"
      let file = "groups:\n- {name: g, rules: [{record: a, expr: sum(up)}]}\n"
      return ownFile(["namespace a%20b \(file.utf8.count)\n\(file)\n", group, file, ""], raw: [group])
    }
  ) { bytes in
    let disk = placed(bytes, as: layout.rules, RuleStoreFile.file)
    let first = ruleStore(on: disk)
    if let body = RuleStoreFile.file(layout.rules, on: disk).read().contents?.body {
      precondition(RuleStoreFile.decode(body).map { $0.count } ?? 0 == first.namespaces.count, "namespaces are missing")
    }
    let text = Array(bytes.dropFirst())
    for namespace in first.namespaces.map(\.name) { try? first.delete(namespace) }
    if (try? first.replace("whole", with: text)) != nil {
      precondition(ruleStore(on: disk).namespaces == first.namespaces, "a rule file does not come back")
    }
    if (try? first.put(text, in: "n/%")) != nil {
      let again = ruleStore(on: disk)
      precondition(again.groups == first.groups, "what is written of a group says something else")
      precondition(again.namespaces == first.namespaces, "a group does not come back")
    }
  }

  private static func ruleStore(on disk: SimulatedDisk) -> RuleStore {
    let damaged = DamagedFiles(
      Quarantine(disk, layout.quarantine, log: .silent), names: [], log: .silent, registry: MetricsRegistry())
    return RuleStore(layout.rules, on: disk, log: .silent, damaged: damaged)
  }

  /// Parts are put behind a length and the right checksum; where the first byte is odd, all is taken as it is.
  private static let metadataFile = FuzzTarget(
    name: "metadata-file", seeds: { [[0], [1] + MetadataFile.magic, [0] + (metadataRecord + metadataRecord)] }
  ) { bytes in
    var input = FuzzInput(bytes)
    var file: [UInt8] = []
    if input.byte() & 1 == 1 {
      file = Array(input.rest)
    } else {
      file = MetadataFile.magic
      withUnsafeBytes(of: MetadataFile.version.littleEndian) { file += $0 }
      while !input.isEmpty {
        let payload = input.part()
        withUnsafeBytes(of: UInt32(payload.count).littleEndian) { file += $0 }
        withUnsafeBytes(of: checksum(payload).littleEndian) { file += $0 }
        file += payload
      }
    }
    let found = file.lend { MetadataFileScan($0) }
    precondition(found.damagedBytes <= max(file.count, 12))
    let disk = SimulatedDisk()
    write(file, to: layout.metadata, on: disk)
    let now = WriteSeeds.time
    let first = metadata(on: disk, now: now)
    precondition(metadata(on: disk, now: now) == first, "metadata does not come back")
  }

  private static func metadata(on disk: SimulatedDisk, now: Int64) -> [String: Set<MetricMetadata>] {
    let damaged = DamagedFiles(
      Quarantine(disk, layout.quarantine, log: .silent), names: [], log: .silent, registry: MetricsRegistry())
    let store = MetadataStore(hash: .stable)
    store.open(layout.metadata, on: disk, damaged: damaged, sync: .os, now: now)
    return store.metadata(now: now).mapValues { Set($0) }
  }

  private static var metadataRecord: [UInt8] {
    // Last seen as a varint, then a message of kind, name, help and unit.
    ([2] + [8, 1, 18, 1, 0x61, 34, 1, 0x68, 42, 1, 0x75]).asPart
  }

  // MARK: files and servers

  static let layout = DatabaseLayout(root: FuzzServer.root)

  private static func ownFile(_ bodies: [String], raw: [String]) -> [[UInt8]] {
    bodies.flatMap { [[1] + Array($0.utf8), [2] + Array($0.utf8)] } + raw.map { [0] + Array($0.utf8) }
  }

  private static func placed(
    _ bytes: UnsafeRawBufferPointer, as path: String, _ file: (String, any Disk) -> SealedFile
  ) -> SimulatedDisk {
    let disk = SimulatedDisk()
    var input = FuzzInput(bytes)
    let how = input.byte()
    let sealed = file(path, disk)
    switch how % 3 {
    case 0: write(Array(input.rest), to: path, on: disk)
    case 1:
      let whole = sealed.seal(Array(input.rest))
      precondition(sealed.unseal(whole)?.body == Array(input.rest), "a sealed file does not open")
      write(whole, to: path, on: disk)
    default:
      write(sealed.seal(Array(input.rest)), to: path + SealedFile.previousSuffix, on: disk)
      write([0], to: path, on: disk)
    }
    return disk
  }

  static func write(_ bytes: [UInt8], to path: String, on disk: SimulatedDisk) {
    do {
      let directory = path.split(separator: "/").dropLast()
      try disk.makeDirectories("/" + directory.joined(separator: "/"))
      let opened = try disk.open(path, .truncate)
      try bytes.withUnsafeBytes { bytes throws in try opened.write(bytes, at: 0) }
      try opened.close()
    } catch {
      preconditionFailure("a simulated disk does not take a file: \(error)")
    }
  }

  /// A server starts, is read, written to, works on, ends, and starts again with as many series. Only one of which all chunks
  /// were given up as lost may have left.
  static func useServer(on disk: SimulatedDisk) {
    guard let server = FuzzServer(on: disk) else { return }
    server.readAll()
    server.receive(WriteSeeds.v1[1])
    server.work()
    server.readAll()
    let count = server.end()
    guard let again = FuzzServer(on: disk) else { preconditionFailure("what a server left does not open") }
    let isAllThere = again.seriesCount == count || server.hasLostChunks && again.seriesCount < count
    precondition(isAllThere, "\(count) series at the end, \(again.seriesCount) at the next start")
    again.readAll()
  }
}

extension Log {
  static let silent = Log(level: .error, format: .logfmt) { _ in }
}
