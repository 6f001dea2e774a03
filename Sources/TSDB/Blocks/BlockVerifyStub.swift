import Format
import Platform
package enum BlockVerify {
  package static func run(_ d: String, on disk: any Disk) throws(BlockFault) {
    let b = try Block(d, on: disk)
    var s = DecodedSeries()
    for r in try b.allSeries() {
      guard b.index.read(r, into: &s) else { throw .corrupt(path: d, reason: "a series is damaged") }
      for c in s.chunks where b.chunk(c.reference) == nil { throw .corrupt(path: d, reason: "a chunk is damaged") }
    }
  }
}
