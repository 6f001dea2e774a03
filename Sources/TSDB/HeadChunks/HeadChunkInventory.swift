import Format

/// The head-chunk files as a snapshot of the head found them: part of the snapshot, in a block of kind 5.
///
///   count uvarint, each file: number uvarint  max time varint  end uvarint
///                             damaged places: count uvarint, each offset uvarint
///
/// What the snapshot does not repeat lay in the intact places of these files. A value.
package struct HeadChunkInventory: Equatable, Sendable {
  package struct File: Equatable, Sendable {
    package var number: Int
    /// The highest time of any chunk in it.
    package var maxTime: Int64
    /// The offset behind the last chunk that was in it.
    package var end: Int
    /// Offsets where there was no intact chunk. What they held is in the snapshot, as far as it was known.
    package var damages: [Int]

    package init(number: Int, maxTime: Int64, end: Int, damages: [Int] = []) {
      self.number = number
      self.maxTime = maxTime
      self.end = end
      self.damages = damages
    }
  }

  static let blockKind: UInt8 = 5

  package var files: [File]

  package init(_ files: [File]) { self.files = files }

  func encode(into output: inout ByteBuffer) {
    output.appendUvarint(UInt64(files.count))
    for file in files {
      output.appendUvarint(UInt64(file.number))
      output.appendVarint(file.maxTime)
      output.appendUvarint(UInt64(file.end))
      output.appendUvarint(UInt64(file.damages.count))
      for offset in file.damages { output.appendUvarint(UInt64(offset)) }
    }
  }

  init?(_ reader: inout ByteReader) {
    files = []
    guard let count = reader.uvarint() else { return nil }
    for _ in 0..<count {
      guard let number = reader.uvarint(), number <= UInt64(UInt32.max), let maxTime = reader.varint(),
        let end = reader.uvarint(), end <= UInt64(UInt32.max), let damageCount = reader.uvarint()
      else { return nil }
      var file = File(number: Int(number), maxTime: maxTime, end: Int(end))
      for _ in 0..<damageCount {
        guard let offset = reader.uvarint(), offset <= UInt64(UInt32.max) else { return nil }
        file.damages.append(Int(offset))
      }
      files.append(file)
    }
  }

  /// Data from `time` on that has been lost since; older files may have been removed on purpose.
  package struct Losses: Equatable, Sendable {
    package var missing: [Int] = []
    /// Files that end, without other damage, before chunks that they had.
    package var shortened: [Int] = []
    package var damaged: [HeadChunkRef] = []
    package var isEmpty: Bool { missing.isEmpty && shortened.isEmpty && damaged.isEmpty }
  }

  /// `ends`: of the files that there are, by number.
  package func losses(_ report: HeadChunkReport, ends: [Int: Int], from time: Int64) -> Losses {
    var losses = Losses()
    let told = Set(report.lost.map(\.file))
    for file in files where file.maxTime >= time && !told.contains(file.number) {
      guard let end = ends[file.number] else {
        losses.missing.append(file.number)
        continue
      }
      // A file that was damaged then may have been mended since, which makes it shorter.
      if end < file.end && file.damages.isEmpty { losses.shortened.append(file.number) }
    }
    // Files that are younger than the snapshot.
    let last = files.last?.number ?? 0
    losses.missing += report.missing.filter { $0 > last }
    let known = Set(files.flatMap { file in file.damages.map { HeadChunkRef(file: file.number, offset: $0) } })
    losses.damaged = report.lost.filter { !known.contains($0) }
    return losses
  }
}
