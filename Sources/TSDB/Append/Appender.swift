import Format
import Model

/// The door for samples into a head, and the only place that knows in which order an append goes. Any thread.
///
///     let found = appender.begin(batch, now: now)       known rows are appended; those with a tag wait for a verdict
///     let settled = found.settle(groups)                those are appended, or taken out
///     let resolved = settled.resolve { row, series in } the caller reads the labels of the others; their series are made
///     resolved.append(histogram, ...)                   histograms, then exemplars
///     try resolved.commit()                             logged: the body may be acknowledged
///
/// Each step consumes the one before it, so that the compiler refuses a step left out, done twice or out of order. An append
/// ends with `commit` or `abandon`; one that is forgotten stops the process (`OpenAppend`).
///
/// A *tag* and a *generation* are numbers of the caller's. The head keeps them with a spelling and hands them back; it does
/// not know what they mean. A row with a tag is not appended before the caller has decided about it. A spelling is only found
/// under the generation in which it was resolved; `forgetSpellings` takes the others out.
package struct Appender: Sendable {
  /// The highest generation; the caller uses the numbers again in turn. 0: every spelling is the series it names.
  package static let generationMax = SpellingTable.generationMax

  package let head: Head
  /// The database of the head, nil if it has none: it knows the blocks, and when nothing may be written.
  private let database: Database?

  package init(_ head: Head) {
    self.head = head
    database = nil
  }

  package init(_ database: Database) {
    head = database.head
    self.database = database
  }

  /// The key under which the rows of a batch are to be hashed.
  package var key: KeyedHash { head.hash }

  /// True if the database takes samples; false while its disk is nearly full.
  package var isWritable: Bool { database?.isWritable ?? true }

  /// Appends the rows of `batch` whose series are known. Of rows with a tag it only looks up the series. Without
  /// `takesUntagged` the append refuses every row without a tag.
  package func begin(_ batch: AppendBatch, now: Int64, takesUntagged: Bool = true) -> FoundRows {
    let open = OpenAppend(self, batch, now: now)
    batch.takesUntagged = takesUntagged
    head.appendKnown(batch, now: now, takesUntagged: takesUntagged)
    return FoundRows(open)
  }

  /// Finds the refused samples that are stored already: a retry of an old body is a success.
  func acquitDuplicates(_ batch: AppendBatch) {
    if let database { database.acquitDuplicates(batch) } else { head.acquitDuplicates(batch) }
  }
}

/// The promise that an append ends: with a commit, or with an abandonment. Whoever lets go of it before stops the
/// process, as the head would hold samples that no log holds, and the sender would not learn of it.
struct OpenAppend: ~Copyable {
  let appender: Appender
  let batch: AppendBatch
  let now: Int64
  private var isEnded = false

  init(_ appender: Appender, _ batch: AppendBatch, now: Int64) {
    precondition(!batch.isOpen, "a batch is in one append at a time")
    batch.isOpen = true
    self.appender = appender
    self.batch = batch
    self.now = now
  }

  deinit { precondition(isEnded, "an append was neither committed nor abandoned") }

  var head: Head { appender.head }

  consuming func end() {
    batch.isOpen = false
    isEnded = true
  }

  /// Ends an append that is not logged and must not be acknowledged. What is in memory of it stays there; the same body again
  /// finds it and logs it.
  consuming func abandon() {
    head.noteAppended(batch.tally)
    end()
  }
}

/// The caller's verdict on one group of rows. The caller sorts rows with a tag, and unknown ones, into groups of its
/// own.
package struct AppendGroup: Sendable {
  /// True if the head takes the rows; false: it neither appends nor logs any of them.
  package var isTaken: Bool
  /// The tag that the spellings of the rows have from now on, whether the rows are taken or not; 0: the head does not
  /// remember them.
  package var tag: UInt16
  /// A sample up to here that is not behind the last one of its series is superseded: a success that stores nothing.
  package var floor: Int64

  package init(isTaken: Bool, tag: UInt16, floor: Int64 = .min) {
    self.isTaken = isTaken
    self.tag = tag
    self.floor = floor
  }
}

/// An append whose known rows without a tag are in the head. The caller decides about the others.
package struct FoundRows: ~Copyable {
  private let open: OpenAppend

  init(_ open: consuming OpenAppend) { self.open = open }

  /// Rows whose spelling has a tag: nothing of them is appended before `settle`.
  package var tagged: [UInt32] { open.batch.tagged }
  /// Rows whose series is not known: their labels have to be read.
  package var unknown: [UInt32] { open.batch.unknown }
  /// Per row its tag, 0 where it has none; the caller writes over it the row's group plus one, 0 for no group. Valid until
  /// `settle`.
  package var tags: UnsafeMutablePointer<UInt16> { open.batch.tags.base }

  /// Lists the rows whose tag means nothing to the caller (any more) as unknown, without a tag.
  package func forgetTags(where isMeaningless: (UInt16) -> Bool) { open.batch.forgetTags(where: isMeaningless) }

  /// Appends the known rows of the groups that are taken, and takes out those of the others. Without groups, it forgets
  /// all tags.
  package consuming func settle(_ groups: [AppendGroup] = []) -> SettledRows {
    let batch = open.batch
    batch.groups = groups
    if groups.isEmpty { batch.forgetTags { _ in true } }
    open.head.takeOutRefused(batch)
    open.head.appendTagged(batch, now: open.now)
    return SettledRows(open)
  }

  /// Ends the append: nothing is logged, and the body must come again.
  package consuming func abandon() { open.abandon() }
}

/// An append whose rows the caller has all decided about. The rows left have no series yet.
package struct SettledRows: ~Copyable {
  private let open: OpenAppend

  init(_ open: consuming OpenAppend) { self.open = open }

  /// Hands every row without a series to `place`, in the order of the body, so that series are made in the order their sender
  /// has them. A row that `place` does nothing with is not stored.
  package consuming func resolve(_ place: (Int, borrowing SeriesMaker) -> Void) -> ResolvedRows {
    let maker = SeriesMaker(head: open.head, batch: open.batch, now: open.now)
    for row in open.batch.unknown.sorted() { place(Int(row), maker) }
    return ResolvedRows(open)
  }
}

/// Finds or makes the series of rows whose labels have been read.
package struct SeriesMaker: ~Copyable {
  let head: Head
  let batch: AppendBatch
  let now: Int64

  /// Appends the samples of a row to the series with these labels, makes that series unless it exists, and remembers
  /// the row's spelling for it. Returns the reason if the head refuses the series.
  package func append(_ row: Int, to series: inout NewSeries) -> SeriesRefusal? {
    head.appendNew(row: row, &series, batch, now: now)
  }

  /// Takes out a row, and remembers that its spelling is not stored in this generation.
  package func drop(_ row: Int) { head.drop(row: row, batch) }
}

/// An append all of whose samples are in memory. Histograms come next, then exemplars, since an exemplar is only taken of a
/// series that exists.
package struct ResolvedRows: ~Copyable {
  private let open: OpenAppend

  init(_ open: consuming OpenAppend) { self.open = open }

  /// Makes the series of rows that have histograms only, or whose series has just ended.
  package var maker: SeriesMaker { SeriesMaker(head: open.head, batch: open.batch, now: open.now) }

  /// Appends a histogram to the series of a row. Nil if the row has none, or it has ended meanwhile: `maker` makes it.
  package func append(_ histogram: Histogram, isFloat: Bool, at time: Int64, row: Int) -> SampleOutcome? {
    precondition(!open.batch.hasExemplars, "histograms come before exemplars")
    return open.head.append(histogram, isFloat: isFloat, at: time, row: row, open.batch, now: open.now)
  }

  /// Appends an exemplar to the series of a row. It makes no series.
  package func append(_ exemplar: NewExemplar, labelCount: Int, row: Int) -> ExemplarOutcome {
    open.batch.hasExemplars = true
    return open.head.append(exemplar, labelCount: labelCount, row: row, open.batch, now: open.now)
  }

  /// Logs what is stored. When it returns, the body may be acknowledged. When it throws, it must not be: its samples are in
  /// memory, but the same body again finds them there and logs them then.
  package consuming func commit() throws(WALError) {
    let batch = open.batch
    let appender = open.appender
    open.end()
    if batch.tally.refused > 0 {
      if batch.acquits { appender.acquitDuplicates(batch) }
      appender.head.countRefused(batch)
    }
    try appender.head.commit(batch)
  }

  /// Ends the append: nothing is logged, and the body must come again.
  package consuming func abandon() { open.abandon() }
}
