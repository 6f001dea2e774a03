import Platform

/// The version of the files that only Apus knows, in `apus.version`: a number in decimal in a sealed file. An intact file
/// with a higher number is the one thing in a data directory that keeps a server from starting: a newer program wrote it.
/// The format of the file itself never changes.
enum DataVersion {
  /// 2: small files are sealed. 1 was a bare number, and is read.
  static let number = 2

  static func file(_ path: String, on disk: any Disk) -> SealedFile {
    SealedFile(path, name: "version", format: 1, on: disk) { number(of: $0) == 1 ? $0 : nil }
  }

  static func number(of body: [UInt8]) -> Int? {
    Int(String(decoding: body.prefix(20), as: UTF8.self).prefix { !$0.isWhitespace })
  }

  /// Throws, with nothing changed, where a newer program wrote the directory.
  static func check(_ layout: DatabaseLayout, _ disk: any Disk, _ damaged: DamagedFiles, _ log: Log)
    throws(DatabaseError)
  {
    let file = file(layout.version, on: disk)
    let reading = file.read { number(of: $0.body) == nil ? "it holds no number" : nil }
    let found = reading.contents.flatMap { number(of: $0.body) }
    if let found, found > number { throw .otherVersion(path: layout.version, found: found) }
    if let damage = reading.damage {
      damaged.report(
        layout.version, as: "apus.version", damage: damage,
        instead: found.map { "the generation before it, which says \($0)" } ?? "\(number), the version of this program",
        meaning: "no data is lost; this file only keeps older programs from files they do not know")
    }
    if found == number && reading.damage == nil { return }
    do throws(DiskError) {
      try file.write(Array("\(number)\n".utf8))
    } catch {
      log.warn("The version of the data directory could not be noted", ["file": layout.version, "err": "\(error)"])
    }
  }
}
