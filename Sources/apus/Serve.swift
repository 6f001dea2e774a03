import HTTP
import Ingest
import Platform
import TSDB

/// Runs the server until a signal or a request ends it; returns the process's exit code: 0, or 2 with one line on
/// standard error.
func serve(_ options: ServeOptions, environment: [String: String]) -> Int32 {
  let configuration: Configuration
  do throws(ConfigurationErrors) {
    configuration = try ConfigurationFile.load(options, environment: environment)
  } catch {
    return CommandResult(errors: error.description, exitCode: 2).finish()
  }
  let log = Log(level: options.logLevel, format: options.logFormat)
  ProcessSignals.block()
  DescriptorLimit.raise()
  do throws(StartError) {
    let holder = ConfigurationHolder(configuration, options, environment: environment, log: log)
    let lifecycle = Lifecycle(try Assembly(options, holder, log: log))
    for warning in options.warnings + configuration.warnings { log.warn(warning) }
    try lifecycle.start()
    lifecycle.runUntilTold()
    return 0
  } catch {
    return CommandResult(errors: "apus: \(error)", exitCode: 2).finish()
  }
}
