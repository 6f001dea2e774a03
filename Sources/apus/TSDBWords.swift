import Model
import PromQL

/// The words behind a command: flags, flags with a value, and positions.
struct TSDBWords {
  private let command: String
  private(set) var positions: [String] = []
  private var values: [String: [String]] = [:]

  init(
    _ command: String, _ arguments: ArraySlice<String>, flags: [String] = [], valued: [String] = [],
    positionsMax: Int = 1, of program: String = "apus tsdb"
  ) throws(ArgumentError) {
    self.command = command
    var rest = arguments
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        if argument == "-r", flags.contains("human-readable") {
          values["human-readable"] = ["true"]
          continue
        }
        if argument.hasPrefix("-") || positions.count == positionsMax {
          throw ArgumentError("\(program) \(command): unexpected argument \(argument)")
        }
        positions.append(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if flags.contains(name), parts.count == 1 {
        values[name] = ["true"]
      } else if valued.contains(name) {
        guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
          throw ArgumentError("\(program) \(command): --\(name): a value is missing")
        }
        values[name, default: []].append(value)
      } else {
        throw ArgumentError(
          "\(program) \(command): unknown flag --\(name)" + ServeOptions.hint(name, in: flags + valued, prefix: "--"))
      }
    }
  }

  func has(_ name: String) -> Bool { values[name] != nil }

  /// Every value of a flag, in the order they were given.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  func text(_ name: String) -> String? { values[name]?.last }

  func directory(_ position: Int) throws(ArgumentError) -> String {
    positions.count > position ? positions[position] : TSDBCommand.defaultDirectory
  }

  func integer(_ name: String, preset: Int64) throws(ArgumentError) -> Int {
    guard let text = values[name]?.last else { return Int(preset) }
    guard let value = Int(text), value >= 0 else { throw ArgumentError("--\(name): \(quoted(text)) is no number") }
    return value
  }

  func selectors(_ name: String) throws(ArgumentError) -> [[Matcher]] {
    var selectors: [[Matcher]] = []
    for text in values[name] ?? [] {
      do throws(ParseError) {
        selectors.append(try Parser.parseSelector(text))
      } catch {
        throw ArgumentError("--\(name): \(error)")
      }
    }
    return selectors
  }

  /// Times are milliseconds since 1970, as promtool has them.
  func selection() throws(ArgumentError) -> TSDBSelection {
    var selection = TSDBSelection(selectors: try selectors("match"))
    selection.minTime = try time("min-time") ?? .min
    selection.maxTime = try time("max-time") ?? .max
    if selection.maxTime < selection.minTime { throw ArgumentError("--max-time lies before --min-time") }
    return selection
  }

  private func time(_ name: String) throws(ArgumentError) -> Int64? {
    guard let text = values[name]?.last else { return nil }
    guard let value = Int64(text) else {
      throw ArgumentError("--\(name): \(quoted(text)) is no number of milliseconds")
    }
    return value
  }
}
