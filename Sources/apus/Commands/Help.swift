/// The texts of `apus help`.
enum Help {
  /// The text for a topic; nil where there is no such topic.
  static func text(_ topic: String?) -> String? {
    switch topic {
    case nil, "help": overview
    case "serve": serve
    case "check": check
    case "check config": CheckConfig.help
    case "check rules": CheckRules.help
    case "check scrape": CheckScrape.help
    case "check sd": CheckDiscovery.help
    case "rules": RulesCommand.help
    case "test": TestRules.help
    case "tsdb": TSDBCommand.help
    case "reference": Reference.text
    case "version": "usage: apus version\n\nPrints the version."
    default: nil
    }
  }

  static let overview = """
    usage: apus [<command>] [<flags>]

    A time-series server that speaks Prometheus's protocols. Flags without a command mean serve.

    Commands:
      serve                Run the server.
      check config FILE    Check a configuration file.
      check rules FILE...  Check rule files.
      check web-config FILE..., check credentials FILE...
                           Check files of certificates and users, and of who may do what.
      check scrape TARGET  Show what a scrape of a target would store.
      check sd JOB         Show the targets that a job's discoveries find.
      rules ...            Evaluate rules over the past.
      test rules FILE...   Run unit tests of rules.
      tsdb ...             Look at, copy out of or bring into a data directory.
      version              Print the version.
      help [<command>]     Print this text or that of a command.
    """

  static let check = [CheckConfig.help, CheckRules.help, CheckScrape.help, CheckDiscovery.help].joined(
    separator: "\n\n")

  /// Every flag with its default, from the flag table.
  static var serve: String {
    var lines = [
      "usage: apus [serve] [<flags>]", "", "Runs the server. A flag that is not given takes its value from the",
      "environment variable APUS_<FLAG>: dots and dashes become underscores, letters upper case.", "", "Flags:",
      "  -h, --help", "      Print this text.", "  --version", "      Print the version.",
    ]
    for flag in FlagTable.rows where !flag.isHidden {
      lines.append("  --" + spelled(flag))
      let note = flag.use == .accepted ? " Accepted without effect in this version." : ""
      lines += wrapped(flag.help + note, width: 90, margin: "      ")
    }
    return lines.joined(separator: "\n")
  }

  private static func spelled(_ flag: Flag) -> String {
    if flag.isBoolean { return "[no-]\(flag.name) (default \(flag.preset))" }
    return flag.name + "=" + (flag.preset.isEmpty ? "\"\"" : flag.preset) + (flag.isRepeatable ? " ..." : "")
  }

  /// The words of `text` in lines of at most `width`, each behind `margin`.
  static func wrapped(_ text: String, width: Int, margin: String) -> [String] {
    var lines: [String] = []
    var line = margin
    for word in text.split(separator: " ") {
      if line.count + (line == margin ? 0 : 1) + word.count > width, line != margin {
        lines.append(line)
        line = margin
      }
      line += (line == margin ? "" : " ") + word
    }
    return lines + [line]
  }
}
