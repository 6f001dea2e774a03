import Format
import Glibc
import Scrape

/// The files that `scrape_config_files` names: lists of scrape configs beside those of the main file.
enum ScrapeConfigFiles {
  private static let schema = Schema(
    "scrape config file",
    [
      {
        var key = SchemaKey("scrape_configs", .list(.section(ScrapeOptions.section.schema)))
        key.isRead = true
        return key
      }()
    ])

  /// The scrape configs of all files that match, in the order of their names; paths that are not absolute begin in
  /// `directory`. `unread` gets the keys without effect.
  static func read(
    _ patterns: [String], in directory: String, global: SectionValue, unread: inout [String]
  ) throws(ConfigurationErrors) -> [ScrapeOptions] {
    var scrapes: [ScrapeOptions] = []
    for pattern in patterns {
      for file in matches(joined(pattern, in: directory)) { scrapes += try read(file, global, &unread) }
    }
    return scrapes
  }

  private static func read(
    _ file: String, _ global: SectionValue, _ unread: inout [String]
  ) throws(ConfigurationErrors) -> [ScrapeOptions] {
    let bytes = try ConfigurationFile.bytes(file)
    let parsed: YAMLDocument
    do throws(YAMLError) { parsed = try YAMLDocument.parse(bytes) } catch {
      throw ConfigurationErrors(
        file: file, faults: [ConfigurationFault(position: error.position, message: error.what)])
    }
    var reader = SchemaReader()
    var document = reader.section(parsed.root, schema)
    if !reader.faults.isEmpty { throw ConfigurationErrors(file: file, faults: reader.faults) }
    var faults: [ConfigurationFault] = []
    Configuration.settleScrapes(&document, global, &faults)
    let scrapes = document.sections("scrape_configs").map { ScrapeOptions($0, &faults) }
      .map { $0.resolved(in: Configuration.directory(of: file)) }
    if !faults.isEmpty { throw ConfigurationErrors(file: file, faults: faults) }
    unread += reader.unread
    return scrapes
  }

  /// The files a pattern names, sorted; none where it names none.
  private static func matches(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
  }
}
