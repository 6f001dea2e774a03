// The layout of a write-ahead log segment, as Prometheus writes it. No file header; pages of 32 KiB; in them
// fragments, which never cross a page. A record is one full fragment, or first, middle..., last. Records never cross
// a segment.
//
//   fragment:  flags and kind <1>   length <2, big endian>   CRC-32C of the data <4, big endian>   data <length>
//   flags:     3 bits reserved (0), 1 bit zstd, 1 bit snappy, 3 bits kind
//
// Kind 0 says "nothing more in this page": every byte up to the border is zero. A page with fewer than seven bytes
// left is filled so at once; a page with more is continued by the next record, also after it was written.

package enum WALPage {
  package static let pageBytes = 32 * 1024
  package static let headerBytes = 7
  package static let fragmentDataBytesMax = pageBytes - headerBytes

  static let kindMask: UInt8 = 0x07
  static let compressionMask: UInt8 = 0x18
  static let reservedMask: UInt8 = 0xe0

  enum FragmentKind: UInt8 {
    case padding = 0
    case full = 1
    case first = 2
    case middle = 3
    case last = 4
  }
}
