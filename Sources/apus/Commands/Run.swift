/// The whole program: runs the command that the arguments name; returns the exit code.
func run(_ arguments: [String], environment: [String: String]) -> Int32 {
  do throws(ArgumentError) {
    switch try Command.parse(arguments, environment: environment) {
    case .serve(let options): return serve(options, environment: environment)
    case .version: return CommandResult(output: Version.text, exitCode: 0).finish()
    case .help(let topic): return help(topic).finish()
    case .checkConfig(let check): return check.run(environment: environment)
    case .checkRules(let check): return check.run()
    case .checkScrape(let check): return check.run(environment: environment)
    case .checkAccess(let check): return check.run()
    case .checkDiscovery(let check): return check.run(environment: environment)
    case .tsdb(let command): return command.run()
    case .rules(let command): return command.run()
    case .testRules(let command): return command.run()
    }
  } catch {
    return CommandResult(errors: "apus: \(error)", exitCode: 2).finish()
  }
}

private func help(_ topic: String?) -> CommandResult {
  if let text = Help.text(topic) { return CommandResult(output: text, exitCode: 0) }
  let name = topic ?? ""
  return CommandResult(
    errors: "apus: no help on \(name)" + ServeOptions.hint(name, in: Command.names), exitCode: 2)
}
