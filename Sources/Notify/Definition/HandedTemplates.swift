import Platform

/// The templates that definitions have brought, beside the configuration of an Alertmanager, and the list of their names: a
/// definition takes the place of these files alone. One thread at a time.
struct HandedTemplates: Sendable {
  /// Behind the name of the configuration: the name of the list.
  private static let listSuffix = ".templates"

  private let configFile: String
  private let disk: any Disk

  init(beside configFile: String, on disk: any Disk) {
    self.configFile = configFile
    self.disk = disk
  }

  private var listPath: String { configFile + Self.listSuffix }

  func path(_ name: String) -> String { DiskPath.join(DiskPath.parent(configFile), name) }

  /// Names of the files that are there, and of some that a crash has kept from it.
  func names() throws(DiskError) -> Set<String> {
    let bytes = try bytes(at: listPath) ?? []
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    // Whatever has happened to the list, it leads to no other folder.
    return Set(lines.filter(AlertmanagerDefinition.isFileName))
  }

  /// The reason why no template may have this name; nil where one may.
  func objection(to name: String, known: Set<String>) throws(DiskError) -> String? {
    if path(name) == path(DiskPath.name(configFile)) {
      return "template_files: \(name) is the name of the Alertmanager's configuration: choose another"
    }
    for suffix in [Self.listSuffix, AtomicReplace.temporarySuffix] where name.hasSuffix(suffix) {
      return "template_files: \(name) ends in \(suffix), as files of the server do: choose another name"
    }
    if !known.contains(name), try exists(path(name)) {
      return
        "template_files: \(name) is the name of a file beside the Alertmanager's configuration that no definition has "
        + "brought: choose another"
    }
    return nil
  }

  /// Returns when the list is durable. What is not in it any more has to be removed by then.
  func list(_ names: Set<String>) throws(DiskError) {
    let folder = DiskPath.parent(configFile)
    if try names == self.names() { return }
    // A name must not be forgotten while a crash may still bring its file back.
    try disk.syncDirectory(folder)
    if names.isEmpty {
      try disk.removeFile(listPath)
      return try disk.syncDirectory(folder)
    }
    try AtomicReplace.write(Array(names.sorted().map { $0 + "\n" }.joined().utf8), to: listPath, on: disk)
  }

  /// The bytes of a file; nil where there is none.
  func bytes(at path: String) throws(DiskError) -> [UInt8]? {
    guard try exists(path) else { return nil }
    let file = try disk.open(path, .read)
    defer { try? file.close() }
    return try file.bytes(try file.size(), at: 0)
  }

  /// Gives a file these bytes; nil: removes it.
  func put(_ bytes: [UInt8]?, at path: String) throws(DiskError) {
    if let bytes { return try AtomicReplace.write(bytes, to: path, on: disk) }
    if try exists(path) { try disk.removeFile(path) }
  }

  private func exists(_ path: String) throws(DiskError) -> Bool {
    do throws(DiskError) {
      _ = try disk.status(path)
      return true
    } catch {
      if error.isNotFound { return false }
      throw error
    }
  }
}
