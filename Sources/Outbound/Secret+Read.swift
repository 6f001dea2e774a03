import HTTP
import Platform

extension Secret {
  /// A longer file is refused.
  static let fileBytesMax = 1 << 20

  /// True if it needs no file.
  var isConstant: Bool { if case .text = self { true } else { false } }

  /// The name that errors give it.
  var shownPlace: String {
    switch self {
    case .text: "inline"
    case .file(let path): "file \(path)"
    }
  }

  /// The text, or the file's now, without white space around it. The error is Go's text.
  package func read(_ disk: any Disk = LinuxDisk()) throws(SecretError) -> String {
    switch self {
    case .text(let text): return text
    case .file(let path):
      do throws(DiskError) {
        let file = try disk.open(path, .read)
        // Nothing was written that the close could fail to keep.
        defer { try? file.close() }
        // A byte more tells whether it has grown; what the system makes up has no size.
        let room = min(Self.fileBytesMax + 1, max(try file.size() + 1, 4_096))
        let bytes = try file.bytes(room, at: 0)
        if bytes.count > Self.fileBytesMax {
          throw DiskError(operation: "read", path: path, code: Self.tooLargeCode)
        }
        return Self.trimmed(String(decoding: bytes, as: UTF8.self))
      } catch {
        throw SecretError(path: path, reason: "\(error.operation) \(path): \(errorText(error.code).lowercased())")
      }
    }
  }

  /// `EFBIG`.
  private static let tooLargeCode: Int32 = 27

  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

/// A secret's file could not be read.
package struct SecretError: Error, CustomStringConvertible {
  var path: String
  var reason: String

  package var description: String { "unable to read file \(path): \(reason)" }
}
