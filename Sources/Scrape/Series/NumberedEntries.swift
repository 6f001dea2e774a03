import Format

/// A scanner some of whose entries have no bytes to be found by: they are known by their numbers in the answer.
protocol NumberedScanner: ~Copyable {
  /// True for the entries that are numbered.
  static func isNumbered(_ entry: ExpositionScanner.Entry) -> Bool

  mutating func next() throws(ExpositionError) -> ExpositionScanner.Entry
  mutating func readLabels(_ result: inout ExpositionLabels) throws(ExpositionError)
  /// Goes on behind an entry that cannot be read.
  mutating func skipEntry()
}

extension MetricFamilyScanner: NumberedScanner {
  static func isNumbered(_ entry: ExpositionScanner.Entry) -> Bool { entry == .series || entry == .histogram }
  mutating func skipEntry() {}
}

extension ConvertingScanner: NumberedScanner {
  static func isNumbered(_ entry: ExpositionScanner.Entry) -> Bool { entry == .histogram }
  mutating func skipEntry() { skipLine() }
}

/// Finds the labels of an answer's entries by their numbers. It reads the answer once more, once for all numbers that come in
/// order.
struct NumberedEntries<Scanner: NumberedScanner & ~Copyable>: ~Copyable {
  private let begin: () -> Scanner
  private var scanner: Scanner
  /// The number of the entry that the scanner has read; -1: none yet.
  private var number = -1

  init(_ begin: @escaping () -> Scanner) {
    self.begin = begin
    scanner = begin()
  }

  /// Reads the labels of an entry; false where they cannot be read.
  mutating func readLabels(of wanted: Int, _ labels: inout ExpositionLabels) -> Bool {
    if wanted < number {
      scanner = begin()
      number = -1
    }
    while number < wanted {
      do throws(ExpositionError) {
        let entry = try scanner.next()
        if entry == .end { return false }
        if Scanner.isNumbered(entry) { number += 1 }
      } catch {
        // Left out, as at the first reading.
        scanner.skipEntry()
      }
    }
    return (try? scanner.readLabels(&labels)) != nil
  }
}
