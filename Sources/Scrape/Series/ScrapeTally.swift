/// The counts of one scrape while it is read, and the first of each kind of offender. A value, new for each scrape.
struct ScrapeTally {
  /// Samples in the answer, as far as it was read.
  var total = 0
  /// Those that metric relabelling leaves.
  var added = 0
  /// Those that count against the limit of samples.
  var counted = 0
  /// Places of texts of which nothing was stored before.
  var fresh: [Int] = []
  /// The text that becomes the target's last error.
  var fault: String?
  var isOverSamples = false
  var isOverBuckets = false
  /// Samples of texts that the answer has twice.
  var duplicates = 0
  var firstDuplicate = ""
  /// Lines and samples that are left out where what is valid is kept.
  var leftOut = 0
  var firstLeftOut = ""

  mutating func noteDuplicate(_ text: () -> String) {
    if duplicates == 0 { firstDuplicate = text() }
    duplicates += 1
  }

  mutating func noteLeftOut(_ text: () -> String) {
    if leftOut == 0 { firstLeftOut = text() }
    leftOut += 1
  }
}
