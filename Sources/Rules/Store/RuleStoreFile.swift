import Format
import Platform

/// The stored namespaces as the body of a sealed file, each with its rule file:
///
///     namespace <name, percent-encoded> <bytes> <created> <modified>\n
///     <the rule file, so many bytes>\n
///
/// Times in milliseconds since 1970; files of the first version have none.
///
/// Replaced as a whole on change.
enum RuleStoreFile {
  struct Entry: Equatable {
    var name: String
    var text: [UInt8]
    var createdMilliseconds: Int64 = 0
    var modifiedMilliseconds: Int64 = 0
  }

  private static let word = Array("namespace ".utf8)
  /// More namespaces than a store can have.
  private static let entriesMax = 1_000_000

  static func file(_ path: String, on disk: any Disk) -> SealedFile {
    SealedFile(path, name: "rules", format: 2, on: disk)
  }

  static func encode(_ namespaces: [StoredNamespace]) -> [UInt8] {
    var bytes: [UInt8] = []
    for namespace in namespaces {
      bytes += word
      bytes += "\(PercentText.encode(namespace.name)) \(namespace.text.utf8.count)".utf8
      bytes += " \(namespace.createdMilliseconds) \(namespace.modifiedMilliseconds)\n".utf8
      bytes += namespace.text.utf8
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }

  /// Nil where this is no such body.
  static func decode(_ body: [UInt8]) -> [Entry]? {
    var entries: [Entry] = []
    var names: Set<String> = []
    var rest = body[...]
    while !rest.isEmpty {
      guard rest.starts(with: word), let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      let parts = rest[(rest.startIndex + word.count)..<end].split(
        separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      rest = rest[(end + 1)...]
      let times = parts.dropFirst(2).map { Int64(String(decoding: $0, as: UTF8.self)) }
      guard parts.count == 2 || parts.count == 4, !times.contains(nil),
        let count = Int(String(decoding: parts[1], as: UTF8.self)),
        let name = String(validating: PercentText.decode(parts[0]), as: UTF8.self), !name.isEmpty,
        count >= 0, count < rest.count, rest[rest.startIndex + count] == UInt8(ascii: "\n"),
        names.insert(name).inserted, entries.count < entriesMax
      else { return nil }
      var entry = Entry(name: name, text: Array(rest.prefix(count)))
      entry.createdMilliseconds = times.first.flatMap { $0 } ?? 0
      entry.modifiedMilliseconds = times.last.flatMap { $0 } ?? 0
      entries.append(entry)
      rest = rest.dropFirst(count + 1)
    }
    return entries
  }
}
