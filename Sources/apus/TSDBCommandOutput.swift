import Format
import Model
import Platform
import TSDB

#if canImport(Glibc)
  import Glibc
#endif

/// The reason why a command of `apus tsdb` ends early: one line.
enum TSDBCommandError: Error, CustomStringConvertible {
  case text(String)

  var description: String {
    switch self {
    case .text(let text): text
    }
  }

  static func wrap<Result>(_ body: () throws(BlockError) -> Result) throws(TSDBCommandError) -> Result {
    do throws(BlockError) { return try body() } catch { throw .text("\(error)") }
  }

  static func backup<Result>(_ body: () throws(BackupError) -> Result) throws(TSDBCommandError) -> Result {
    do throws(BackupError) { return try body() } catch { throw .text("\(error)") }
  }

  static func disk<Result>(_ body: () throws(DiskError) -> Result) throws(TSDBCommandError) -> Result {
    do throws(DiskError) { return try body() } catch { throw .text("\(error)") }
  }
}

/// Standard output, in pieces. One thread.
final class CommandOutput {
  private static let pieceBytes = 256 << 10
  private var bytes: [UInt8] = []

  func line(_ text: String) { append { $0.append(contentsOf: text.utf8) } }

  /// Lets `write` write a line without its end.
  func append(_ write: (inout [UInt8]) -> Void) {
    write(&bytes)
    bytes.append(UInt8(ascii: "\n"))
    if bytes.count >= CommandOutput.pieceBytes { flush() }
  }

  /// Output that nobody reads any more (`| head`) is dropped.
  func flush() {
    StandardOutput.write(bytes)
    bytes.removeAll(keepingCapacity: true)
  }
}

/// The forms that promtool gives its texts.
enum TSDBText {
  /// Columns of at least eleven letters, two blanks between them.
  static func columns(_ texts: [String]) -> String {
    var line = ""
    for (place, text) in texts.enumerated() {
      let width = place == 0 ? 26 : 14
      line += text
      if place + 1 < texts.count { line += String(repeating: " ", count: max(0, width - text.count) + 2) }
    }
    return line
  }

  /// A duration as Go writes it: `2h0m0s`, `1m0.5s`, `20ms`.
  static func duration(_ milliseconds: Int64) -> String {
    if milliseconds == 0 { return "0s" }
    if milliseconds.magnitude < 1000 { return "\(milliseconds)ms" }
    let magnitude = Int64(clamping: milliseconds.magnitude)
    let (hours, minutes, rest) = (magnitude / 3_600_000, magnitude / 60_000 % 60, magnitude % 60_000)
    var text = milliseconds < 0 ? "-" : ""
    if hours > 0 { text += "\(hours)h" }
    if hours > 0 || minutes > 0 { text += "\(minutes)m" }
    return text + seconds(rest) + "s"
  }

  /// Milliseconds as seconds in the fewest digits.
  static func seconds(_ milliseconds: Int64) -> String {
    let magnitude = milliseconds.magnitude
    var text = (milliseconds < 0 ? "-" : "") + "\(magnitude / 1000)"
    let rest = magnitude % 1000
    if rest > 0 {
      var digits = String(1000 + rest).dropFirst()
      while digits.last == "0" { digits.removeLast() }
      text += "." + digits
    }
    return text
  }

  /// The last line about a snapshot: what it never contains.
  static let notInSnapshots =
    "not in a snapshot: exemplars, metadata, configuration, and what is refused or relabelled"

  static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)" + (count == 1 ? "" : "s") }

  /// A line about the contents of blocks. Samples count once for each block that has them.
  static func contents(_ blocks: [HeldBlock], seriesCount: Int) -> String {
    var parts = [
      count(blocks.count, "block"), "\(seriesCount) series", count(Int(blocks.sampleCount), "stored sample"),
    ]
    if blocks.histogramCount > 0 { parts[2] += " (\(count(Int(blocks.histogramCount), "native histogram")))" }
    if blocks.tombstoneCount > 0 { parts.append(count(Int(blocks.tombstoneCount), "deletion")) }
    parts.append(bytes(blocks.byteCount))
    if let times = blocks.times {
      parts.append(
        "\(TimeText.text(milliseconds: times.lowerBound)) to \(TimeText.text(milliseconds: times.upperBound))")
    }
    return parts.joined(separator: ", ")
  }

  /// A number of bytes in powers of two: `12.5MiB`.
  static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if value < 1024 { return "\((value * 10).rounded() / 10)\(unit)" }
      value /= 1024
    }
    return "\((value * 10).rounded() / 10)TiB"
  }
}
