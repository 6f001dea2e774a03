import Glibc

/// The reason why a file was not written.
struct OutputFileError: Error, CustomStringConvertible {
  let description: String
}

/// A file that somebody names on the command line, written as a whole; a pipe or a terminal will do.
enum OutputFile {
  static func write(_ bytes: [UInt8], to path: String) throws(OutputFileError) {
    guard let file = fopen(path, "we") else { throw systemError(path) }
    let count = fwrite(bytes, 1, bytes.count, file)
    if fclose(file) != 0 || count < bytes.count { throw systemError(path) }
  }

  private static func systemError(_ path: String) -> OutputFileError {
    OutputFileError(description: "\(path): \(String(cString: strerror(errno)))")
  }
}
