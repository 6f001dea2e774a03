import CShims

/// CRC-32C (Castagnoli), the checksum of every format here.
package func checksum(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
  apus_crc32c(crc, bytes.baseAddress, bytes.count)
}
