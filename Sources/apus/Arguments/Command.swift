/// The command that the command line asks for.
enum Command: Sendable {
  case serve(ServeOptions)
  case version
  /// The topic is a command's name; nil for the overview.
  case help(topic: String?)
  case checkConfig(CheckConfig)
  case checkRules(CheckRules)
  case checkScrape(CheckScrape)
  case checkAccess(CheckAccess)
  case checkDiscovery(CheckDiscovery)
  case tsdb(TSDBCommand)
  case rules(RulesCommand)
  case testRules(TestRules)
}

extension Command {
  /// The words that the first argument may be, commands of later versions aside.
  static let names = ["serve", "check", "rules", "test", "tsdb", "version", "help"]
  /// Kept for later versions, so that a script learns that it is early, not wrong.
  static let reservedNames = ["query", "debug"]

  /// Parses the arguments without the program's name. Flags without a command mean `serve`.
  static func parse(_ arguments: [String], environment: [String: String] = [:]) throws(ArgumentError) -> Command {
    guard let first = arguments.first, !first.hasPrefix("-") else {
      return try serve(arguments[...], environment)
    }
    let rest = arguments.dropFirst()
    if first != "serve", first != "help", rest.contains(where: { isHelp($0) }) {
      let isPart = first == "check" && rest.first.map(checkNames.contains) == true
      return .help(topic: isPart ? "check \(rest.first ?? "")" : first)
    }
    switch first {
    case "serve": return try serve(rest, environment)
    case "version":
      try refuseMore(rest)
      return .version
    case "help":
      let isPart = rest.first == "check" && rest.count > 1
      try refuseMore(rest.dropFirst(isPart ? 2 : 1))
      return .help(topic: rest.isEmpty ? nil : rest.prefix(isPart ? 2 : 1).joined(separator: " "))
    case "check": return try check(rest)
    case "rules": return .rules(try RulesCommand.parse(rest))
    case "test": return try test(rest)
    case "tsdb": return .tsdb(try TSDBCommand.parse(rest))
    default:
      if reservedNames.contains(first) { throw ArgumentError("apus \(first) is not available in this version") }
      throw ArgumentError("unknown command \(first)" + ServeOptions.hint(first, in: names) + " (see apus help)")
    }
  }

  private static func isHelp(_ argument: String) -> Bool {
    ["-h", "--help", "--help-long", "--help-man"].contains(argument)
  }

  static func refuseMore(_ arguments: ArraySlice<String>) throws(ArgumentError) {
    if let extra = arguments.first { throw ArgumentError("unexpected argument \(extra)") }
  }

  private static func serve(
    _ arguments: ArraySlice<String>, _ environment: [String: String]
  ) throws(ArgumentError) -> Command {
    if arguments.contains(where: { isHelp($0) }) { return .help(topic: "serve") }
    if arguments.contains("--version") { return .version }
    var values = FlagValues()
    var rest = arguments
    while let argument = rest.popFirst() {
      let (flag, text) = try read(argument, &rest)
      try values.set(flag, to: text, source: "--\(flag.name)")
    }
    try values.fill(from: environment)
    return .serve(try ServeOptions(values, environment: environment))
  }

  /// Reads one flag with its value: `--name=value`, `--name value`, `--name` and `--no-name` for booleans.
  private static func read(
    _ argument: String, _ rest: inout ArraySlice<String>
  ) throws(ArgumentError) -> (flag: Flag, text: String) {
    guard argument.hasPrefix("--"), argument.count > 2 else {
      throw ArgumentError(
        argument.hasPrefix("-") && argument != "-" && argument != "--"
          ? "unknown flag \(argument) (flags begin with two dashes; see apus help serve)"
          : "unexpected argument \(argument) (see apus help)")
    }
    let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    let written = parts.count == 2 ? String(parts[1]) : nil
    if let flag = FlagTable.byName[name] {
      if let written { return (flag, written) }
      if flag.isBoolean { return (flag, "true") }
      guard let next = rest.first, !next.hasPrefix("--") else {
        throw ArgumentError("--\(name): a value is missing (\(flag.shape.expected))")
      }
      rest.removeFirst()
      return (flag, next)
    }
    if name.hasPrefix("no-"), let flag = FlagTable.byName[String(name.dropFirst(3))], flag.isBoolean {
      if written != nil { throw ArgumentError("--\(name) takes no value") }
      return (flag, "false")
    }
    throw ArgumentError(
      "unknown flag --\(name)" + ServeOptions.hint(name, in: FlagTable.rows.map(\.name), prefix: "--"))
  }
}
