import Platform

/// The reason why a file was not read.
struct InputFileError: Error, CustomStringConvertible {
  let description: String
}

/// A file that somebody names on the command line, read as a whole.
enum InputFile {
  /// `dashIsInput`: `-` names standard input.
  /// - Parameter millisecondsMax: the time that a pipe may take; nil: as long as it takes.
  static func bytes(
    _ path: String, bytesMax: Int, dashIsInput: Bool = false, within millisecondsMax: Int64? = nil
  ) throws(InputFileError) -> [UInt8] {
    do throws(StreamedFileError) {
      if dashIsInput && path == "-" { return try StreamedFile.standardInput(bytesMax: bytesMax) }
      return try StreamedFile.bytes(path, bytesMax: bytesMax, within: millisecondsMax)
    } catch {
      throw InputFileError(description: "\(error)")
    }
  }
}
