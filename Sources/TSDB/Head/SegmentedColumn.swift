/// A growable array of plain values in segments that never move: growing copies nothing and leaves no slack.
/// One owner; not copyable.
struct SegmentedColumn<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  private static var segmentCount: Int { 16384 }
  private var segments: [UnsafeMutablePointer<Element>] = []
  private(set) var count = 0

  init() {}

  deinit {
    for segment in segments { segment.deallocate() }
  }

  var byteCount: Int { segments.count * 16384 * MemoryLayout<Element>.stride }

  mutating func append(_ element: Element) {
    if count == segments.count * SegmentedColumn.segmentCount {
      segments.append(.allocate(capacity: SegmentedColumn.segmentCount))
    }
    (segments[count >> 14] + (count & 16383)).initialize(to: element)
    count += 1
  }

  mutating func removeAll() {
    for segment in segments { segment.deallocate() }
    segments = []
    count = 0
  }

  subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count)
      return segments[index >> 14][index & 16383]
    }
    set {
      precondition(index >= 0 && index < count)
      segments[index >> 14][index & 16383] = newValue
    }
  }
}
