import Glibc
import TestKit

/// Everything at once for a while: scrapes with churn, late samples, queries, reloads, deletions, snapshots, flushes and
/// compactions. The end asks for every acknowledged sample, restarts the server and asks again; memory, descriptors and
/// threads must be flat.
func runSoak(_ options: BenchOptions) throws {
  let directory = try TemporaryDirectory("apus-soak", in: BenchFolder.path(options))
  let configuration = try directory.write("{}\n", to: "apus.yml")
  let data = directory.path("data")
  let seconds = options.seconds ?? 120
  let stepsPerSecond = 60
  // The last step lies a quarter of an hour before the present.
  let origin =
    nowMilliseconds() - Int64(seconds * stepsPerSecond) * SoakWorld.stepMilliseconds - 900_000
  let arguments =
    [
      "--config.file=\(configuration)", "--web.enable-lifecycle", "--web.enable-admin-api",
      "--storage.tsdb.retention.time=60d",
    ] + options.apusFlags
  var server = try ServerProcess.apus(data: data, arguments)
  let world = SoakWorld(origin: origin)
  let actors = SoakActors(world: world, server: server, stepsPerSecond: stepsPerSecond)
  startThread { actors.write() }
  startThread { actors.query() }
  startThread { actors.administrate() }
  report("soak of \(seconds) s, \(stepsPerSecond * 15) times as fast as the clock")
  let picture = watch(server, actors.waits, data, seconds)
  world.finish()
  // Requests under way end; then nothing is written any more.
  sleepThread(.seconds(2))
  var failures = world.present.failures + flatness(picture)
  failures += missing(world, server).map { "at the end: \($0)" }
  if server.child.terminate(within: .seconds(60)) == nil { failures.append("the server does not end within a minute") }
  server = try ServerProcess.apus(data: data, arguments)
  failures += missing(world, server).map { "after a restart: \($0)" }
  try writePicture(picture, options)
  print(text(world.present, picture, actors.waits))
  guard failures.isEmpty else { throw Trial.Failure(description: failures.joined(separator: "\n")) }
}

private func watch(_ server: ServerProcess, _ waits: SoakWaits, _ data: String, _ seconds: Int) -> SoakPicture {
  var picture = SoakPicture()
  let start = ContinuousClock.now
  while (ContinuousClock.now - start).inSeconds < Double(seconds) {
    sleepThread(.seconds(1))
    guard let usage = server.child.usage else { break }
    picture.moments.append(
      SoakPicture.Moment(
        seconds: (ContinuousClock.now - start).inSeconds, residentMegabytes: Double(usage.residentBytes >> 20),
        descriptors: Double(descriptorCount(server.child.processID)), threads: Double(usage.threads),
        writeMilliseconds: waits.takeRecentMax("write"), queryMilliseconds: waits.takeRecentMax("query"),
        dataMegabytes: Double(directoryBytes(data) >> 20)))
  }
  return picture
}

/// What grew that should not have. A run of less than a minute has not settled.
private func flatness(_ picture: SoakPicture) -> [String] {
  guard picture.moments.count >= 60 else { return [] }
  var failures: [String] = []
  func compare(_ name: String, _ value: KeyPath<SoakPicture.Moment, Double>, factor: Double, slack: Double) {
    let (early, late) = (picture.mean(value, 0.3, 0.6), picture.mean(value, 0.7, 1))
    if late > early * factor + slack {
      failures.append("\(name) grows: \(FigureTable.number(early, 1)), then \(FigureTable.number(late, 1))")
    }
  }
  compare("memory (MiB)", \.residentMegabytes, factor: 1.3, slack: 32)
  compare("descriptors", \.descriptors, factor: 1.2, slack: 30)
  compare("threads", \.threads, factor: 1, slack: 4)
  return failures
}

/// Acknowledged samples that are not answered, and deleted ones that are.
private func missing(_ world: SoakWorld, _ server: ServerProcess) -> [String] {
  let told = world.present
  let end = world.time(told.steps)
  let span = (end - world.origin) / 1000 + 60
  do {
    let answer = try server.query("count_over_time(soak[\(span)s])", at: end)
    var found: [Int: Int] = [:]
    for series in answer.series {
      if let number = Int(series.labels["i"] ?? "") { found[number] = Int(series.points.first?.value ?? 0) }
    }
    var failures: [String] = []
    let wrong = told.counts.filter { (found[$0.key] ?? 0) < $0.value }
    if let first = wrong.min(by: { $0.key < $1.key }) {
      let lost = wrong.reduce(0) { $0 + $1.value - (found[$1.key] ?? 0) }
      failures.append(
        "\(lost) acknowledged samples of \(wrong.count) series are missing, of series \(first.key) "
          + "\(found[first.key] ?? 0) of \(first.value) are there")
    }
    for name in told.deleted.prefix(40) {
      if try !server.query("count_over_time(\(name)[\(span)s])", at: end).series.isEmpty {
        failures.append("\(name) was deleted and is back")
      }
    }
    return failures
  } catch {
    return ["\(error)"]
  }
}

private func text(_ told: SoakWorld.Told, _ picture: SoakPicture, _ waits: SoakWaits) -> String {
  var rows = [["request", "count", "median ms", "p99 ms", "longest ms"]]
  for (kind, waits) in waits.all.sorted(by: { $0.key < $1.key }) {
    rows.append([
      kind, "\(waits.milliseconds.count)", FigureTable.number(waits.at(0.5), 1), FigureTable.number(waits.at(0.99), 1),
      FigureTable.number(waits.longest ?? 0, 1),
    ])
  }
  let last = picture.moments.last
  return markdownTable(rows) + "\n\n\(told.steps) scrapes, \(told.counts.values.reduce(0, +)) samples acknowledged of "
    + "\(told.counts.count) series, \(told.deleted.count) metrics deleted; resident "
    + "\(FigureTable.number(picture.mean(\.residentMegabytes, 0.3, 0.6), 0)) MiB in the middle, "
    + "\(FigureTable.number(picture.mean(\.residentMegabytes, 0.7, 1), 0)) towards the end, descriptors "
    + "\(FigureTable.number(last?.descriptors ?? 0, 0)), threads \(FigureTable.number(last?.threads ?? 0, 0))"
}

private func writePicture(_ picture: SoakPicture, _ options: BenchOptions) throws {
  guard let path = options.pictureFile else { return }
  guard let file = fopen(path, "wb") else { throw Trial.Failure(description: "\(path) cannot be written") }
  defer { fclose(file) }
  let bytes = Array(picture.svg.utf8)
  guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
    throw Trial.Failure(description: "\(path) cannot be written")
  }
}

private func descriptorCount(_ process: pid_t) -> Int { names(in: "/proc/\(process)/fd").count }

/// Bytes of all files of a directory and those below it, each name counted.
private func directoryBytes(_ path: String) -> Int {
  var bytes = 0
  for name in names(in: path) {
    var status = stat()
    let full = path + "/" + name
    guard lstat(full, &status) == 0 else { continue }
    bytes += status.st_mode & S_IFMT == S_IFDIR ? directoryBytes(full) : Int(status.st_blocks) * 512
  }
  return bytes
}

private func names(in path: String) -> [String] {
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names
}
