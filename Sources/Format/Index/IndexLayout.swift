// The file `index`, version 2, all numbers big-endian:
//
//     magic u32  version u8
//     symbols           length u32, count u32, count x (uvarint length, bytes), crc
//     series            each at a multiple of 16: uvarint length, labels, chunks, crc
//     postings          each at a multiple of 4: length u32, count u32, count x u32 (series offset / 16), crc
//     postings table    length u32, count u32, count x (u8 2, name, value, uvarint64 offset), crc
//     contents          six offsets u64 (symbols, series, label indices, their table, postings, postings table), crc
//
//     labels   uvarint count, count x (uvarint name, uvarint value), numbers of symbols, which are sorted by bytes
//     chunks   uvarint count; the first: varint min time, uvarint span, uvarint64 reference;
//              the others: uvarint distance to the one before, uvarint span, varint64 difference of references
//
// Label indices are not read by anybody any more and are left out. The list of all series has the name and value "".

package enum IndexLayout {
  package static let magic: UInt32 = 0xbaaa_d700
  package static let version: UInt8 = 2
  package static let headerBytes = 5
  package static let seriesAlignment = 16
  package static let postingsAlignment = 4
  package static let contentsBytes = 6 * 8 + 4
}
