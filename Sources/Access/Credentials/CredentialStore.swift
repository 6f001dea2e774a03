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
    let bytes = try AccessFile.privateBytes(path, bytesMax: CredentialsFile.bytesMax)
    var found: [String] = []
    // Also those that could not be read: once they can, the file is read again.
    defer { paths += found }
    return try CredentialsFile.read(bytes, path: path, generation: generation) { (name) throws(AccessFileError) in
      let secretPath = name.hasPrefix("/") ? name : DiskPath.join(DiskPath.parent(path), name)
      found.append(secretPath)
      let text = String(decoding: try AccessFile.privateBytes(secretPath, bytesMax: 4096), as: UTF8.self)
      return String(text.reversed().drop { $0.isWhitespace }.reversed())
    }
  }

  package var present: CredentialIndex { file.present }
  package var lastReading: (isGood: Bool, milliseconds: Int64) { file.lastReading }

  package func accessKey(_ id: String) -> AccessKey? { file.present.keys[id] }

  /// Reads the file again if it has changed.
  package func look() { file.look() }
}
