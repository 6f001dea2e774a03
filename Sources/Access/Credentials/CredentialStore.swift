import Platform
import Synchronization

/// The principals of `--web.credentials-file` as they are now. Any thread; nothing waits for the disk but `look`.
package final class CredentialStore: AccessKeys {
  private let file: WatchedValue<CredentialIndex>

  package init(_ path: String, clock: any Clock, log: Log) throws(AccessFileError) {
    let generation = Atomic<UInt64>(0)
    file = try WatchedValue("credentials file", clock: clock, log: log) { (paths) throws(AccessFileError) in
      paths.append(path)
      return try CredentialStore.read(path, generation: generation.add(1, ordering: .relaxed).newValue, &paths)
    }
  }

  /// Reads a credentials file and the files of secrets that it names, all of which have to be private.
  package static func read(
    _ path: String, generation: UInt64, _ paths: inout [String]
  ) throws(AccessFileError) -> CredentialIndex {
    let bytes = try privateFile(path, bytesMax: CredentialsFile.bytesMax)
    var found: [String] = []
    let index = try CredentialsFile.read(bytes, path: path, generation: generation) { (name) throws(AccessFileError) in
      let secretPath = name.hasPrefix("/") ? name : DiskPath.join(DiskPath.parent(path), name)
      found.append(secretPath)
      let text = String(decoding: try privateFile(secretPath, bytesMax: 4096), as: UTF8.self)
      return String(text.reversed().drop { $0.isWhitespace }.reversed())
    }
    paths += found
    return index
  }

  private static func privateFile(_ path: String, bytesMax: Int) throws(AccessFileError) -> [UInt8] {
    let isPrivate: Bool
    do throws(DiskError) {
      isPrivate = try FileMark(of: path).isPrivate
    } catch {
      throw AccessFileError("\(error)")
    }
    if !isPrivate {
      throw AccessFileError(
        "\(path) holds secrets and may be read by others than its owner: chmod 600, and the owner is the server's user")
    }
    do throws(DiskError) {
      let disk = LinuxDisk()
      let status = try disk.status(path)
      if status.kind == .file, status.size <= bytesMax { return try disk.readFile(path) }
    } catch {
      throw AccessFileError("\(error)")
    }
    throw AccessFileError("\(path) is no file of at most \(bytesMax) bytes")
  }

  package var present: CredentialIndex { file.present }
  package var lastReading: (isGood: Bool, milliseconds: Int64) { file.lastReading }

  package func accessKey(_ id: String) -> AccessKey? { file.present.keys[id] }

  /// Reads the file again if it has changed.
  package func look() { file.look() }
}
