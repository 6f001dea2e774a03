import Glibc

/// The reason why a file was not read.
struct InputFileError: Error, CustomStringConvertible {
  let description: String
}

/// A file that somebody names on the command line, read as a whole.
enum InputFile {
  /// `dashIsInput`: `-` names standard input.
  static func bytes(_ path: String, bytesMax: Int, dashIsInput: Bool = false) throws(InputFileError) -> [UInt8] {
    guard let file = dashIsInput && path == "-" ? fdopen(STDIN_FILENO, "r") : fopen(path, "re") else {
      throw systemError()
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = fread(&part, 1, part.count, file)
      bytes += part[..<count]
      if bytes.count > bytesMax { throw InputFileError(description: "the file is longer than \(bytesMax) bytes") }
      if count < part.count { break }
    }
    if ferror(file) != 0 { throw systemError() }
    return bytes
  }

  private static func systemError() -> InputFileError { InputFileError(description: String(cString: strerror(errno))) }
}
