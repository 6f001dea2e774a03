import Platform

/// The reason why a backup or a restore was not done. Nothing that a server would take for data has been changed.
package enum BackupError: Error, Equatable, CustomStringConvertible {
  case disk(DiskError)
  case block(BlockError)
  /// The obstacle, and what helps.
  case refused(String)

  package var description: String {
    switch self {
    case .disk(let error): error.description
    case .block(let fault): fault.description
    case .refused(let reason): reason
    }
  }

  static func disk<Result>(_ body: () throws(DiskError) -> Result) throws(BackupError) -> Result {
    do throws(DiskError) { return try body() } catch { throw .disk(error) }
  }

  static func block<Result>(_ body: () throws(BlockError) -> Result) throws(BackupError) -> Result {
    do throws(BlockError) { return try body() } catch { throw .block(error) }
  }
}
