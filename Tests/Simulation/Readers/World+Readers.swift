import Model
import TestKit

/// The ways to what is stored. Each is held against what the database itself selects, which is held against the model.
enum Reader: CaseIterable {
  case matrix, instant, range, overTime, rate, sum, remoteSamples, remoteChunks, lookups
}

extension World {
  /// Reads a random part of the time in the ways given; throws where one says something else than `found` does.
  func read(_ readers: [Reader], _ found: [Labels: WorldModel.Times], from first: Int64) throws {
    guard let server, trouble.errorsUntil < elapsed, !disk.isStopped, !server.metDamage else { return }
    let floats = found.filter { $0.key["__name__"] == "m" || $0.key["__name__"] == "m_total" }
    for reader in readers {
      let minutes = readerNumbers.below(8) == 0 ? 120 : 20
      let span = Int64(1 + readerNumbers.below(minutes)) * 60_000 + Int64(readerNumbers.below(2)) * 15_000
      // Windows and lookbacks reach before the start.
      let earliest = first + ExpectedQueries.lookbackMilliseconds + World.stepMilliseconds
      let room = max(trueTime + 600_000 - earliest - span, 1)
      var start = earliest + Int64(readerNumbers.below(Int(room)))
      // Now and then the borders are those of samples: what is at a border is easily lost.
      if readerNumbers.below(2) == 0 { start = start / World.stepMilliseconds * World.stepMilliseconds }
      count { $0.reads += 1 }
      var end = start + span
      // Blocks and chunks begin there.
      if readerNumbers.below(4) == 0 {
        end = max(end / World.borderMilliseconds, 1) * World.borderMilliseconds
        start = max(end - span, earliest)
        if start >= end { continue }
      }
      let (from, through) = (start, end)
      let difference = steadily { () -> String? in
        switch reader {
        case .remoteSamples, .remoteChunks:
          remoteRead(server.surface, floats, from, through, inChunks: reader == .remoteChunks)
        case .lookups: lookUp(server.surface, floats, from, through)
        default: query(reader, server.surface, floats, from, through)
        }
      }
      guard let difference else { return }
      // What this reading was the first to meet of a damaged block is missing from it, with a warning.
      if let difference, server.database.blocks.current.damaged.isEmpty {
        throw Finding(description: "read by \(reader): \(difference)")
      }
    }
  }

  private static let borderMilliseconds: Int64 = 7_200_000
  private static let selector = #"{__name__=~"m|m_total"}"#

  private static func seconds(_ time: Int64) -> String {
    let rest = String(time % 1000)
    return "\(time / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
  }

  // MARK: PromQL

  private func query(
    _ reader: Reader, _ surface: SimulatedSurface, _ found: [Labels: WorldModel.Times], _ start: Int64, _ end: Int64
  ) -> String? {
    let selector = World.selector
    let expected = ExpectedQueries(found)
    let window: Int64 = 300_000
    if reader == .matrix || reader == .instant {
      let text = reader == .matrix ? "\(selector)[\(end - start)ms]" : selector
      let answer = surface.get("/api/v1/query", [("query", text), ("time", World.seconds(end))])
      guard let result = QueriedSeries(answer.bytes)?.found else { return World.unreadable(text, answer.bytes) }
      let wanted =
        reader == .matrix
        ? ExpectedQueries.raw(found, after: start, through: end)
        : ExpectedQueries.raw(
          expected.overTime(at: [end], window: window, keepsName: true) { part, _ in part.last?.value })
      return World.difference(text, result, wanted) { $0 == $1 }
    }
    let step = Int64(15 + readerNumbers.below(300)) * 1000
    let steps = Array(stride(from: start, through: end, by: Int(step)))
    let text: String
    let wanted: [Labels: [Int64: Double]]
    switch reader {
    case .range:
      text = selector
      wanted = expected.overTime(at: steps, window: window, keepsName: true) { part, _ in part.last?.value }
    case .overTime:
      text = "count_over_time(\(selector)[5m])"
      wanted = expected.overTime(at: steps, window: window, keepsName: false) { part, _ in Double(part.count) }
    case .rate:
      text = #"rate({__name__=~"m|m_total",i="1"}[5m])"#
      let counters = ExpectedQueries(found.filter { $0.key["i"] == "1" })
      wanted = counters.overTime(at: steps, window: window, keepsName: false) {
        ExpectedQueries.rate($0, window: window, end: $1)
      }
    default:
      text = "sum by (sender) (\(selector))"
      wanted = expected.sumBySender(at: steps)
    }
    let answer = surface.get(
      "/api/v1/query_range",
      [
        ("query", text), ("start", World.seconds(start)), ("end", World.seconds(end)), ("step", World.seconds(step)),
      ])
    guard let result = QueriedSeries(answer.bytes)?.found else { return World.unreadable(text, answer.bytes) }
    return World.difference("\(text) from \(start) to \(end) by \(step)", result, ExpectedQueries.raw(wanted)) {
      let (one, other) = (Double(bitPattern: $0), Double(bitPattern: $1))
      return one == other || abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    }
  }

  private static func unreadable(_ question: String, _ bytes: [UInt8]) -> String {
    "\(question) is answered \(String(decoding: bytes.prefix(300), as: UTF8.self))"
  }

  private static func difference(
    _ question: String, _ found: [Labels: WorldModel.Times], _ wanted: [Labels: WorldModel.Times],
    _ isSame: (UInt64, UInt64) -> Bool
  ) -> String? {
    for labels in Set(found.keys).union(wanted.keys).sorted() {
      let (one, other) = (found[labels] ?? [:], wanted[labels] ?? [:])
      for time in Set(one.keys).union(other.keys).sorted() {
        if let value = one[time], let expected = other[time], isSame(value, expected) { continue }
        func text(_ bits: UInt64?) -> String { bits.map { "\(Double(bitPattern: $0))" } ?? "nothing" }
        return "\(question): \(labels) at \(time) is \(text(one[time])), not \(text(other[time]))"
      }
    }
    return nil
  }

  // MARK: remote read

  private func remoteRead(
    _ surface: SimulatedSurface, _ found: [Labels: WorldModel.Times], _ start: Int64, _ end: Int64, inChunks: Bool
  ) -> String? {
    let body = RemoteReadBody.request(
      start: start, end: end, matchers: [(2, "__name__", "m|m_total")], types: inChunks ? [1] : [])
    let answer = surface.post("/api/v1/read", RemoteReadBody.headers.map { (name: $0.0, value: $0.1) }, body)
    // What cannot be read in full is an error here, since readers keep a copy.
    if answer.status != 200 || answer.failure != nil {
      return trouble.damagedAt != nil ? nil : World.unreadable("a remote read", answer.bytes)
    }
    let decoded = inChunks ? RemoteReadAnswer.chunks(answer.bytes) : RemoteReadAnswer.samples(answer.bytes)
    guard let decoded else { return "its answer cannot be decoded" }
    let wanted = ExpectedQueries.raw(found, after: start - 1, through: end)
    return World.difference("from \(start) through \(end)", decoded, wanted) { $0 == $1 }
  }

  // MARK: labels

  /// What has samples must be listed; what is listed must once have been sent.
  private func lookUp(
    _ surface: SimulatedSurface, _ found: [Labels: WorldModel.Times], _ start: Int64, _ end: Int64
  ) -> String? {
    let bounds = [
      (name: "match[]", value: World.selector), (name: "start", value: World.seconds(start)),
      (name: "end", value: World.seconds(end)),
    ]
    let wanted = Set(ExpectedQueries.raw(found, after: start - 1, through: end).keys)
    let series = surface.get("/api/v1/series", bounds)
    guard let listed = (try? JSONValue(parsing: series.bytes))?["data"].array else {
      return World.unreadable("/api/v1/series", series.bytes)
    }
    let all = Set(
      listed.map { one in Labels((one.members ?? []).map { ($0.name, $0.value.string ?? "") }) })
    if let missing = wanted.subtracting(all).sorted().first { return "/api/v1/series lacks \(missing)" }
    if let other = all.subtracting(model.everSent).sorted().first { return "/api/v1/series has \(other)" }
    if all.count != listed.count { return "/api/v1/series has a series twice" }
    for name in ["sender", "i"] {
      let values = surface.get("/api/v1/label/\(name)/values", bounds)
      guard let texts = (try? JSONValue(parsing: values.bytes))?["data"].array?.compactMap(\.string) else {
        return World.unreadable("the values of \(name)", values.bytes)
      }
      if let missing = Set(wanted.map { $0[name] ?? "" }).subtracting(texts).sorted().first {
        return "the values of \(name) lack \(missing)"
      }
      if let other = Set(texts).subtracting(model.everSent.map { $0[name] ?? "" }).sorted().first {
        return "the values of \(name) have \(other)"
      }
    }
    return nil
  }
}

extension ExpectedQueries {
  static func raw(_ found: [Labels: WorldModel.Times], after first: Int64, through last: Int64)
    -> [Labels: WorldModel.Times]
  {
    found.mapValues { $0.filter { $0.key > first && $0.key <= last } }.filter { !$0.value.isEmpty }
  }

  static func raw(_ values: [Labels: [Int64: Double]]) -> [Labels: WorldModel.Times] {
    values.mapValues { $0.mapValues(\.bitPattern) }
  }
}
