import TestKit
import Testing

@testable import apus

@Suite("Broken configurations and command lines")
struct ConfigurationFuzzTests {
  @Test("a mutated configuration is read or refused with places inside it")
  func configurations() throws {
    var random = RandomSource(for: "configuration mutations")
    let original = realLifeConfiguration.replacing("$$5", with: "5").split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
    let values = [
      "", "~", "[]", "{}", "x", "-1", "99999999999999999999", "1e999", "{a: b}", "[1, [2]]", "'", "*tls", "0",
    ]
    for _ in 0..<250 {
      var lines = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<lines.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: lines.remove(at: place)
        case 1: lines.insert(lines.randomElement(using: &random) ?? "", at: place)
        case 2:
          let key = lines[place].prefix { $0 != ":" }
          lines[place] = key + ": " + (values.randomElement(using: &random) ?? "")
        case 3: lines[place] = " " + lines[place]
        default: lines[place] = String(lines[place].filter { _ in Int.random(in: 0..<20, using: &random) > 0 })
        }
      }
      let text = lines.joined(separator: "\n")
      do throws(ConfigurationErrors) {
        let configuration = try Configuration.read(Array(text.utf8), file: "f")
        let printed = configuration.text
        #expect(try Configuration.read(Array(printed.utf8), file: "f").text == printed, "\(text)")
      } catch {
        #expect(!error.faults.isEmpty && error.lines.count <= ConfigurationErrors.listedMax + 1)
        #expect(error.faults.allSatisfy { $0.position.line >= 1 && $0.position.line <= lines.count + 1 }, "\(text)")
      }
    }
  }

  @Test("any arguments are obeyed or refused in one line")
  func commandLines() {
    var random = RandomSource(for: "command lines")
    let flags = FlagTable.rows.map { "--" + $0.name }
    let words = [
      "", "-", "--", "=", "serve", "check", "config", "help", "x", "1h", "5MB", "-1", ":9090", "true", "é=\u{0}",
    ]
    for _ in 0..<1000 {
      var arguments: [String] = []
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let flag = flags.randomElement(using: &random) ?? ""
        let word = words.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<4, using: &random) {
        case 0: arguments.append(flag)
        case 1: arguments.append(flag + "=" + word)
        case 2: arguments.append(word)
        default: arguments.append(String(flag.filter { _ in Int.random(in: 0..<9, using: &random) > 0 }) + word)
        }
      }
      do throws(ArgumentError) { _ = try Command.parse(arguments) } catch {
        #expect(!error.description.isEmpty && !error.description.contains("\n"), "\(arguments)")
      }
    }
  }
}
