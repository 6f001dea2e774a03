/// How the bytes of one write-ahead log record are compressed: a flag in the header of each of its fragments.
package enum WALCompression: UInt8, Sendable, CaseIterable {
  case none = 0
  case snappy = 0x08
  case zstd = 0x10
}
