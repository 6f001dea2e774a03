import Platform
import TSDB

/// The reason why a workspace is not there: one line for people. A value.
struct WorkspaceOpenError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
  init(_ error: DatabaseError) { description = "\(error)" }
  init(_ error: DirectoryLockError) { description = "\(error)" }
}
