/// Maps a series' log reference to its location while a log is replayed. References are dense with gaps, so: pages of
/// 4,096, found through a dictionary and remembered from one look-up to the next. One owner.
struct ReferenceMap: ~Copyable {
  private static var pageBits: UInt64 { 12 }
  private var pages: [UInt64: UnsafeMutablePointer<UInt32>] = [:]
  private var lastNumber = UInt64.max
  private var lastPage: UnsafeMutablePointer<UInt32>?
  private(set) var highest: UInt64 = 0

  init() {}

  deinit {
    for page in pages.values { page.deallocate() }
  }

  @inline(__always)
  mutating func find(_ reference: UInt64) -> SeriesLocation {
    guard let page = page(reference) else { return .none }
    return SeriesLocation(raw: page[Int(reference & 4095)])
  }

  @inline(__always)
  private mutating func page(_ reference: UInt64) -> UnsafeMutablePointer<UInt32>? {
    let number = reference &>> ReferenceMap.pageBits
    if number == lastNumber { return lastPage }
    lastNumber = number
    lastPage = pages[number]
    return lastPage
  }

  mutating func set(_ reference: UInt64, _ location: SeriesLocation) {
    highest = max(highest, reference)
    if let page = page(reference) {
      page[Int(reference & 4095)] = location.raw
      return
    }
    let page = UnsafeMutablePointer<UInt32>.allocate(capacity: 4096)
    page.initialize(repeating: SeriesLocation.none.raw, count: 4096)
    page[Int(reference & 4095)] = location.raw
    pages[reference >> ReferenceMap.pageBits] = page
    lastPage = page
  }
}
