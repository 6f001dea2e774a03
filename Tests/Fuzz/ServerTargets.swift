import Format
import Ingest
import Model
import Platform
import PlatformSimulation
import TSDB

// The engine as a whole: bodies into a head that goes on from input to input, and starts from a damaged directory.
extension FuzzTarget {
  static let servers = [
    // The first byte says which protocol and encoding.
    FuzzTarget(
      name: "receiver",
      seeds: { WriteSeeds.v1.map { [0] + $0 } + WriteSeeds.v2.map { [4] + $0 } }
    ) { bytes in
      guard let first = bytes.first else { return }
      let encodings: [BodyEncoding] = [.identity, .snappy, .zstd, .gzip]
      _ = Servers.current.receiver.receive(
        LentBytes(bytes.part(from: 1)), encoding: encodings[Int(first & 3)],
        message: first & 4 == 0 ? .v1 : .v2)
      Servers.countDown()
    },
    FuzzTarget(
      name: "otlp", seeds: { WriteSeeds.otlpProtobuf.map { [0] + $0 } + WriteSeeds.otlpJSON.map { [1] + $0 } }
    ) { bytes in
      guard let first = bytes.first else { return }
      let receiver = OTLPReceiver(Servers.current.receiver.intake)
      _ = receiver.receive(
        LentBytes(bytes.part(from: 1)), encoding: first & 1 == 0 ? .protobuf : .json,
        compression: .identity)
      Servers.countDown()
    },
    // Each four bytes change one byte of one file, cut it, or remove it.
    FuzzTarget(name: "data-directory", seeds: { [[], [0, 0, 0, 0], [1, 1, 0, 7], [2, 2, 0, 9], [5, 3, 1, 200]] }) {
      bytes in
      guard let disk = try? damagedDirectory(bytes), let server = FuzzServer(on: disk) else { return }
      server.readAll()
      server.receive(WriteSeeds.v1[1])
      server.readAll()
    },
  ]

  private static func damagedDirectory(_ edits: UnsafeRawBufferPointer) throws -> SimulatedDisk {
    var files = FileSeeds.files
    for start in stride(from: 0, to: min(edits.count & ~3, 64), by: 4) {
      let number = Int(edits[start] >> 2) % files.count
      let place = Int(edits[start + 1]) << 8 | Int(edits[start + 2])
      let size = files[number].bytes.count
      switch edits[start] & 3 {
      case 0, 1: if size > 0 { files[number].bytes[place % size] ^= max(1, edits[start + 3]) }
      case 2: files[number].bytes.removeLast(min(size, place))
      default: if edits[start + 3] == 0 { files[number].path = "/gone" } else { files[number].bytes = [] }
      }
    }
    let disk = SimulatedDisk()
    for file in files {
      let directory = file.path.split(separator: "/").dropLast()
      try disk.makeDirectories("/" + directory.joined(separator: "/"))
      let opened = try disk.open(file.path, .truncate)
      try file.bytes.withUnsafeBytes { bytes throws in try opened.write(bytes, at: 0) }
      try opened.close()
    }
    return disk
  }
}

/// The server that takes bodies, made anew after some thousands of them so that its head stays small.
private enum Servers {
  nonisolated(unsafe) static var current = FuzzServer()
  nonisolated(unsafe) private static var left = 5_000
  static func countDown() {
    left -= 1
    if left > 0 { return }
    current.readAll()
    current = FuzzServer()
    left = 5_000
  }
}
