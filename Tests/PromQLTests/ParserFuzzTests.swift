import TestKit
import Testing

@testable import PromQL

/// A small reproducible source of random numbers.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

struct ParserFuzzTests {
  private static let pieces = [
    "sum", "rate", "(", ")", "{", "}", "[", "]", "5m", "1", ":", ",", "a", "b", "\"x\"", "'", "`", "=", "!=", "=~",
    "!~",
    "+", "-", "*", "/", "%", "^", "==", "bool", "on", "ignoring", "group_left", "by", "without", "offset", "@", "start",
    "end", "step", "range", "min_of", "fill", "fill_left", "anchored", "smoothed", " ", "\n", "#", "and", "or",
    "unless",
    "atan2", "topk", "count_values", "0x1f", "1e", "1_", "NaN", "Inf", "é", "\\", "</", ">/", "limit_ratio", "info",
  ]

  @Test("no sequence of words or bytes crashes the parser, and what it takes it prints and takes again")
  func words() {
    let seed = RandomSource(for: "words").seed
    var numbers = SeededNumbers(seed)
    for round in 0..<6000 {
      var text = ""
      for _ in 0..<Int.random(in: 1...14, using: &numbers) {
        text += Self.pieces.randomElement(using: &numbers) ?? ""
        if Bool.random(using: &numbers) { text += " " }
      }
      check(text, "seed \(seed) round \(round)")
    }
  }

  @Test("damaged queries are taken or refused, never more")
  func mutations() {
    let seed = RandomSource(for: "damaged queries").seed
    var numbers = SeededNumbers(seed)
    let whole = Array(
      "sum by (a, \"b c\") (rate(foo{x=~\"a.*\",y!=\"\\u00e9\"}[5m:1m] @ start() offset -1h)) > bool 0x1F and on(z) q"
        .utf8)
    for round in 0..<6000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &numbers) {
        let place = Int.random(in: 0..<bytes.count, using: &numbers)
        switch Int.random(in: 0..<3, using: &numbers) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &numbers)
        case 1: bytes.remove(at: place)
        default: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: place)
        }
      }
      check(String(decoding: bytes, as: UTF8.self), "seed \(seed) round \(round)")
    }
  }

  @Test("an infinity before a power keeps its meaning")
  func infinities() throws {
    for text in ["Inf ^ a", "-Inf ^ a", "Inf ^ Inf ^ a", "(+Inf) ^ a"] { check(text, "by hand") }
    #expect(try Parser.parse("Inf ^ a", options: .all).description == "Inf ^ a")
    #expect(try Parser.parse("Inf * a", options: .all).description == "+Inf * a")
  }

  private func check(_ text: String, _ place: String) {
    guard let tree = try? Parser.parse(text, options: .all) else { return }
    let printed = tree.description
    do throws(ParseError) {
      let again = try Parser.parse(printed, options: .all)
      #expect(again.description == printed, "\(place): \(text)")
    } catch {
      Issue.record("\(place): \(text) printed as \(printed): \(error)")
    }
  }
}
