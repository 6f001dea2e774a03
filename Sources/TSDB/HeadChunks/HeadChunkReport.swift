/// The damage that opening the files found. Whoever has the chunks' samples elsewhere (the log) may want to restore them.
package struct HeadChunkReport: Sendable, Equatable {
  /// Chunks in the files that were opened.
  package var chunks = 0
  /// The first byte of each damaged place; 0 if the whole file cannot be read.
  package var lost: [HeadChunkRef] = []
  /// Numbers that no file has, between the first and the last that there is.
  package var missing: [Int] = []

  /// Files without a header; nothing is lost in them for that.
  package var headless: [Int] = []

  package var isWhole: Bool { lost.isEmpty && missing.isEmpty }

  /// The most missing files of one gap that the report lists; behind a longer gap something else is wrong.
  static let missingMax = 1024
}
