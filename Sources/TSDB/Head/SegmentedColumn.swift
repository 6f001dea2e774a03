/// A growable array of plain values in segments that never move: growing copies nothing and leaves no slack. A full segment
/// whose values are all gone can be given back; its places then read as gone. One owner; not copyable.
struct SegmentedColumn<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  private static var segmentCount: Int { 16384 }
  private var segments: [UnsafeMutablePointer<Element>?] = []
  private let gone: Element
  private(set) var count = 0

  init(gone: Element) { self.gone = gone }

  deinit {
    for segment in segments { segment?.deallocate() }
  }

  var byteCount: Int {
    segments.count { $0 != nil } * SegmentedColumn.segmentCount * MemoryLayout<Element>.stride
      + segments.capacity * MemoryLayout<UnsafeMutablePointer<Element>?>.stride
  }

  static func segment(of index: Int) -> Int { index / segmentCount }

  mutating func append(_ element: Element) {
    if count == segments.count * SegmentedColumn.segmentCount {
      segments.append(.allocate(capacity: SegmentedColumn.segmentCount))
    }
    // The last segment is never given back before it is full.
    guard let last = segments[SegmentedColumn.segment(of: count)] else {
      preconditionFailure("the last segment is gone")
    }
    (last + count % SegmentedColumn.segmentCount).initialize(to: element)
    count += 1
  }

  /// Gives a segment back if it is full and all its values are gone.
  mutating func release(segment index: Int, where isGone: (Element) -> Bool) {
    guard (index + 1) * SegmentedColumn.segmentCount <= count, let segment = segments[index] else { return }
    for place in 0..<SegmentedColumn.segmentCount where !isGone(segment[place]) { return }
    segment.deallocate()
    segments[index] = nil
  }

  subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      guard let segment = segments[SegmentedColumn.segment(of: index)] else { return gone }
      return segment[index % SegmentedColumn.segmentCount]
    }
    set {
      precondition(index >= 0 && index < count)
      // What is gone stays so.
      guard let segment = segments[SegmentedColumn.segment(of: index)] else { return }
      segment[index % SegmentedColumn.segmentCount] = newValue
    }
  }
}
