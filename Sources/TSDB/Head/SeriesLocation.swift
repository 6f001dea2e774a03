/// The shard and slot of a series: shard number in the low four bits, slot above. Fits the tables' 32 bits.
struct SeriesLocation: Equatable, BitwiseCopyable, Sendable {
  var raw: UInt32

  static let shardBits: UInt32 = 4
  static let shardCount = 1 << Int(shardBits)
  static let slotMax: UInt32 = UInt32.max >> shardBits - 1
  /// No series.
  static let none = SeriesLocation(raw: .max)
  /// A spelling without a series: its rows have been refused so far. No slot is that high.
  static let unplaced = SeriesLocation(raw: .max - 1)

  /// No series: the rows of this spelling are dropped in its generation.
  static let dropped = SeriesLocation(raw: .max - 2)
  /// The location of a row, not of a spelling: the append took the row out, and stores nothing of it.
  static let refused = SeriesLocation(raw: .max - 3)

  @inline(__always) init(raw: UInt32) { self.raw = raw }
  @inline(__always) init(shard: Int, slot: UInt32) { raw = slot &<< SeriesLocation.shardBits | UInt32(shard) }

  @inline(__always) var shard: Int { Int(raw & 15) }
  @inline(__always) var slot: UInt32 { raw &>> SeriesLocation.shardBits }
  /// Known to lead to no series.
  @inline(__always) var isDropped: Bool { raw == SeriesLocation.dropped.raw }
  @inline(__always) var isNone: Bool { raw == .max }
  @inline(__always) var isRefused: Bool { raw == SeriesLocation.refused.raw }
  /// The place of a series: none of the four.
  @inline(__always) var isPlaced: Bool { raw < SeriesLocation.refused.raw }
}
