import Platform

/// The folders of workspaces in the server's data directory: the default workspace has the directory itself, the others
/// have folders of `workspaces`, each a data directory of its own.
package struct WorkspaceLayout: Sendable {
  package static let folderName = "workspaces"
  private static let idBytesMax = 64

  let root: String
  private var folder: String { DiskPath.join(root, WorkspaceLayout.folderName) }

  init(root: String) { self.root = root }

  func directory(of id: String) -> String {
    id == WorkspaceSettings.defaultID ? root : DiskPath.join(folder, id)
  }

  /// A path beside that of a workspace, on its way there or away.
  func besides(_ id: String, _ prefix: String) -> String {
    prefix.isEmpty ? folder : DiskPath.join(folder, prefix + id)
  }

  /// The ids that have a folder, sorted.
  func found(on disk: any Disk) throws(DiskError) -> [String] {
    do throws(DiskError) {
      return try disk.list(folder).filter(WorkspaceLayout.isID).sorted()
    } catch {
      if error.isNotFound { return [] }
      throw error
    }
  }

  /// The beginning of a text that may be no id at all, for a message.
  static func excerpt(of text: String) -> String { String(decoding: text.utf8.prefix(idBytesMax), as: UTF8.self) }

  /// True for 1 to 64 letters, digits, dashes and underscores that begin with a letter or digit: a folder's name on every disk.
  package static func isID(_ text: String) -> Bool {
    guard (1...idBytesMax).contains(text.utf8.count), let first = text.utf8.first else { return false }
    func isAlphanumeric(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      default: false
      }
    }
    return isAlphanumeric(first)
      && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
  }
}
