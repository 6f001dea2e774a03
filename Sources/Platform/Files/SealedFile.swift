import CShims

/// A small file that is replaced as a whole and tells whether it is what was written:
///
///     apus <name> <format>\n
///     <body: any bytes>
///     crc32c <8 hex digits: CRC-32C of all bytes before this line>\n
///
/// The generation before stays beside it as `<path>.previous`. A reader takes the present one, or else that. A value;
/// one writer at a time.
package struct SealedFile: Sendable {
  package static let previousSuffix = ".previous"
  /// More is no small file; bounds what a reader takes memory for.
  package static let bytesMax = 64 << 20

  package let path: String
  private let name: String
  /// The newest format that readers know, and the one that `write` writes.
  private let format: Int
  private let disk: any Disk
  /// The body of a file that an older version wrote without a seal; nil where these bytes are none.
  private let unsealedBody: @Sendable ([UInt8]) -> [UInt8]?

  package init(
    _ path: String, name: String, format: Int, on disk: any Disk,
    unsealedBody: @escaping @Sendable ([UInt8]) -> [UInt8]? = { _ in nil }
  ) {
    precondition(!name.isEmpty && name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f } && format > 0)
    self.path = path
    self.name = name
    self.format = format
    self.disk = disk
    self.unsealedBody = unsealedBody
  }

  /// One generation that is whole. Format 0: written without a seal.
  package struct Contents: Equatable, Sendable {
    package var format: Int
    package var body: [UInt8]
  }

  /// The outcome of reading the file.
  package struct Reading: Sendable {
    /// The generation that can be used: the present one, or the one before. Nil where there is neither.
    package var contents: Contents?
    package var isPrevious = false
    /// Damage of the present generation; nil where it is whole.
    package var damage: String?
  }

  /// Reads the file. `objection` looks at a whole generation and returns why it cannot be used, or nil.
  package func read(_ objection: (Contents) -> String? = { _ in nil }) -> Reading {
    let present = generation(path, objection)
    if case .success(let contents) = present { return Reading(contents: contents) }
    let previous = generation(path + SealedFile.previousSuffix, objection)
    let damage: String? = if case .failure(let damage) = present { damage.text } else { nil }
    switch previous {
    case .success(let contents):
      return Reading(contents: contents, isPrevious: true, damage: damage ?? "the file is missing")
    case .failure(let previousDamage):
      // A file that never was is no damage; one whose last generation is there was taken away.
      return Reading(damage: damage ?? (previousDamage.text == nil ? nil : "the file is missing"))
    }
  }

  /// Replaces the file, durably, and keeps the present generation where it is whole.
  package func write(_ body: [UInt8], keepsPresent: Bool = true) throws(DiskError) {
    let replacement = try AtomicReplace(path, on: disk, bufferBytes: 0)
    try replacement.file.append(seal(body))
    try replacement.file.sync()
    if keepsPresent, case .success = generation(path, { _ in nil }) { try keepPresent() }
    try replacement.commit()
  }

  // MARK: bytes

  package func seal(_ body: [UInt8]) -> [UInt8] {
    var bytes = Array("apus \(name) \(format)\n".utf8) + body
    bytes += SealedFile.lastLine(of: bytes[...])
    return bytes
  }

  /// The contents of whole bytes; nil where anything is changed, cut or added.
  package func unseal(_ bytes: [UInt8]) -> Contents? {
    let title = Array("apus \(name) ".utf8)
    guard bytes.count >= title.count + SealedFile.lastLineBytes, bytes.starts(with: title) else { return nil }
    let covered = bytes.dropLast(SealedFile.lastLineBytes)
    guard bytes.suffix(SealedFile.lastLineBytes).elementsEqual(SealedFile.lastLine(of: covered)),
      let end = covered.firstIndex(of: UInt8(ascii: "\n")),
      let format = Int(String(decoding: covered[title.count..<end], as: UTF8.self)), format > 0
    else { return nil }
    return Contents(format: format, body: Array(covered[(end + 1)...]))
  }

  private static let lastLineBytes = 16

  private static func lastLine(of bytes: ArraySlice<UInt8>) -> [UInt8] {
    let crc = bytes.withUnsafeBytes { apus_crc32c(0, $0.baseAddress, $0.count) }
    let digits = String(crc, radix: 16)
    return Array("crc32c \(String(repeating: "0", count: 8 - digits.count))\(digits)\n".utf8)
  }

  // MARK: generations

  /// The reason why a generation cannot be used; no text: it is not there.
  private struct Damage: Error, CustomStringConvertible {
    var text: String?
    var description: String { text ?? "it is not there" }
  }

  private func generation(_ path: String, _ objection: (Contents) -> String?) -> Result<Contents, Damage> {
    let bytes: [UInt8]
    do throws(DiskError) {
      if try disk.status(path).size > SealedFile.bytesMax { return .failure(Damage(text: "it is too large")) }
      bytes = try disk.readFile(path)
    } catch {
      return .failure(Damage(text: error.isNotFound ? nil : "it cannot be read: \(error)"))
    }
    if bytes.isEmpty { return .failure(Damage(text: "it is empty")) }
    guard let contents = unseal(bytes) ?? unsealedBody(bytes).map({ Contents(format: 0, body: $0) }) else {
      return .failure(Damage(text: "its checksum does not match its bytes"))
    }
    if let text = objection(contents) { return .failure(Damage(text: text)) }
    return .success(contents)
  }

  /// The present file is at every moment there under its name; the one before may be missing for a moment.
  private func keepPresent() throws(DiskError) {
    let previous = path + SealedFile.previousSuffix
    do throws(DiskError) {
      try disk.removeFile(previous)
    } catch {
      if !error.isNotFound { throw error }
    }
    do throws(DiskError) {
      try disk.link(path, to: previous)
    } catch {
      // Some file systems know no second names.
      if error.isNotFound || error.isDiskFull { throw error }
      try AtomicReplace.write(try disk.readFile(path), to: previous, on: disk)
    }
  }
}
