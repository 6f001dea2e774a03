#if canImport(Glibc)
  import Glibc
#endif

/// Runs the server until it is told to stop; gives the process's exit code.
func serve(_ options: ServeOptions) -> Int32 {
  do throws(ConfigurationErrors) {
    _ = try ConfigurationFile.load(options, environment: processEnvironment())
  } catch {
    writeToStandardError(error.description)
    return 2
  }
  writeToStandardError("apus: the server is not assembled yet")
  return 1
}
