import Model
import Platform

/// The rule files that patterns name: found, read and checked together. A value.
package struct RuleFiles: Sendable {
  /// The most files that are read at once.
  package static let filesMax = 10_000

  /// The paths in the order of the patterns, those of one pattern sorted; each once.
  package private(set) var paths: [String] = []
  /// The groups of the files that could be read.
  package private(set) var groups: [RuleGroupDefinition] = []
  package private(set) var warnings: [String] = []
  /// The patterns without stars whose file is not there: as in Prometheus that is no error.
  package private(set) var missing: [String] = []
  /// The errors of the others.
  package private(set) var errors = RuleFileErrors()
  /// The others.
  package private(set) var refusedPaths: [String] = []

  /// The groups of all files that `patterns` name; none where a pattern names nothing.
  package static func load(
    _ patterns: [String], on disk: any Disk, options: RuleFileOptions = .init()
  ) throws(RuleFileErrors) -> [RuleGroupDefinition] {
    let files = RuleFiles(patterns, on: disk, options: options)
    if !files.errors.isEmpty { throw files.errors }
    return files.groups
  }

  /// Reads each file; the errors of some leave the groups of the others.
  package init(_ patterns: [String], on disk: any Disk, options: RuleFileOptions = .init()) {
    var seen: Set<String> = []
    for pattern in patterns {
      let found: [String]
      do throws(PathPattern.PatternError) { found = try PathPattern(pattern).paths(disk) } catch {
        errors.add(
          RuleFileError(file: "", text: "failed retrieving rule files for \(quoted(pattern)): \(error)"))
        continue
      }
      if found.isEmpty && !pattern.contains(where: { "*?[".contains($0) }) { missing.append(pattern) }
      for path in found where seen.insert(path).inserted {
        if paths.count == RuleFiles.filesMax {
          errors.add(RuleFileError(file: path, text: "there are more than \(RuleFiles.filesMax) rule files"))
          return
        }
        paths.append(path)
        read(path, disk, options)
      }
    }
  }

  private mutating func read(_ path: String, _ disk: any Disk, _ options: RuleFileOptions) {
    do throws(RuleFileErrors) {
      let file = try RuleFile(RuleFiles.bytes(path, disk, options), path: path, options: options)
      groups += file.groups
      warnings += file.warnings
    } catch {
      errors.add(error)
      refusedPaths.append(path)
    }
  }

  private static func bytes(
    _ path: String, _ disk: any Disk, _ options: RuleFileOptions
  ) throws(RuleFileErrors) -> [UInt8] {
    do throws(WholeFileError) {
      return try WholeFile.bytes(path, on: disk, bytesMax: options.limits.bytesMax, takesPipes: false)
    } catch {
      throw RuleFileErrors([RuleFileError(file: path, text: error.description)])
    }
  }
}
