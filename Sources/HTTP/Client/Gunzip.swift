import CZlib

/// Unpacks a gzip body piece by piece. One owner at a time.
final class Gunzip {
  enum Outcome: Equatable {
    case ok
    /// The receiver asked to stop.
    case stopped
    case corrupt
    /// It unpacks to more than anybody's data does.
    case bomb
  }

  /// Beyond so many bytes a body may unpack to so many times its size. Deflate can make a thousand times; text of metrics, where every
  /// line is nearly the same, comes to some fifty.
  static let ratioMax = 200
  static let freeBytesMax = 32 << 20

  /// The room that the library writes to at a time.
  private static let stepBytes = 64 << 10
  /// 15 bits of window, 16 more for the gzip wrapper.
  private static let windowBits: Int32 = 15 + 16

  // The library keeps the address of its stream.
  private let stream: UnsafeMutablePointer<z_stream>
  private let room: UnsafeMutableRawBufferPointer
  private var isWithinMember = false
  private var takenBytes = 0
  private var madeBytes = 0

  /// Nil when the system has no memory.
  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      return nil
    }
    room = .allocate(byteCount: Self.stepBytes, alignment: 8)
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    room.deallocate()
  }

  /// Makes ready for another body. False when that fails: this one is of no use any more.
  func reset() -> Bool {
    isWithinMember = false
    takenBytes = 0
    madeBytes = 0
    return inflateReset(stream) == Z_OK
  }

  /// True if all that was begun has ended.
  var isComplete: Bool { !isWithinMember }

  func take(_ piece: UnsafeRawBufferPointer, _ give: (UnsafeRawBufferPointer) -> Bool) -> Outcome {
    guard let start = piece.baseAddress, piece.count <= Int(UInt32.max) else { return .ok }
    stream.pointee.next_in = UnsafeMutablePointer(mutating: start.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(piece.count)
    takenBytes += piece.count
    // Ends: each turn consumes input or fills the room, and a turn that does neither is the last.
    while true {
      if !isWithinMember && stream.pointee.avail_in == 0 { return .ok }
      isWithinMember = true
      stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(room.count)
      let status = inflate(stream, Z_NO_FLUSH)
      let made = room.count - Int(stream.pointee.avail_out)
      madeBytes += made
      if madeBytes > Self.freeBytesMax && madeBytes / Self.ratioMax > takenBytes { return .bomb }
      if made > 0 && !give(UnsafeRawBufferPointer(rebasing: room[..<made])) { return .stopped }
      switch status {
      case Z_STREAM_END:
        guard inflateReset(stream) == Z_OK else { return .corrupt }
        isWithinMember = false
      case Z_OK: if stream.pointee.avail_in == 0 && made < room.count { return .ok }
      // No input is left.
      case Z_BUF_ERROR: return .ok
      default: return .corrupt
      }
    }
  }
}
