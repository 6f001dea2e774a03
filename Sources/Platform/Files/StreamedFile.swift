import Glibc

/// The reason why a file was not read to its end.
package enum StreamedFileError: Error, Equatable, CustomStringConvertible {
  case system(DiskError)
  case tooLong(bytesMax: Int)
  /// Not all came within the time; so many bytes did.
  case late(milliseconds: Int64, bytes: Int)

  package var description: String {
    switch self {
    case .system(let error): errorText(error.code)
    case .tooLong(let bytesMax): "the file is longer than \(bytesMax) bytes"
    case .late(let milliseconds, let bytes):
      "it had no end after \(milliseconds / 1000)s and \(bytes) bytes: a pipe is read until nobody has it open for writing"
    }
  }
}

/// A file, pipe or device that is read from its beginning to its end, as its bytes come: for what somebody names on a command
/// line, where a shell puts a pipe in place of a file.
package enum StreamedFile {
  private static let partBytes = 64 << 10

  /// - Parameter millisecondsMax: the time that all of it may take; nil: as long as it takes.
  package static func bytes(
    _ path: String, bytesMax: Int, within millisecondsMax: Int64?
  ) throws(StreamedFileError) -> [UInt8] {
    let descriptor: Int32
    do throws(DiskError) {
      // To open a pipe that nobody writes to would wait for ever.
      descriptor = try SystemCalls.open(path, O_RDONLY | O_NONBLOCK)
    } catch {
      throw .system(error)
    }
    // Nothing was written that the close could fail to keep.
    defer { try? SystemCalls.close(descriptor, path: path) }
    return try bytes(of: descriptor, path, bytesMax: bytesMax, within: millisecondsMax)
  }

  /// The same of standard input, without an end of time.
  package static func standardInput(bytesMax: Int) throws(StreamedFileError) -> [UInt8] {
    try bytes(of: STDIN_FILENO, "standard input", bytesMax: bytesMax, within: nil)
  }

  private static func bytes(
    of descriptor: Int32, _ path: String, bytesMax: Int, within millisecondsMax: Int64?
  ) throws(StreamedFileError) -> [UInt8] {
    let deadline = millisecondsMax.map { Deadline(milliseconds: $0, of: SystemClock()) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: partBytes)
    while true {
      let left = deadline.map { max(0, ($0.remainingNanoseconds + 999_999) / 1_000_000) }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&waiting, 1, left.map { Int32(clamping: $0) } ?? -1)
      if ready == 0 { throw .late(milliseconds: millisecondsMax ?? 0, bytes: bytes.count) }
      if ready < 0 {
        if errno == EINTR { continue }
        throw .system(DiskError(operation: "wait for", path: path, code: errno))
      }
      let count = read(descriptor, &part, part.count)
      if count < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        throw .system(DiskError(operation: "read", path: path, code: errno))
      }
      if count == 0 { return bytes }
      bytes += part[..<count]
      if bytes.count > bytesMax { throw .tooLong(bytesMax: bytesMax) }
      if let deadline, deadline.isPassed {
        throw .late(milliseconds: millisecondsMax ?? 0, bytes: bytes.count)
      }
    }
  }
}
