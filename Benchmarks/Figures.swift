import Glibc
import TestKit

/// What the figures of one run stand under.
func title(_ name: String, _ workload: Workload, _ options: BenchOptions) -> String {
  "\(name): \(workload.series) series x \(workload.scrapes) scrapes, \(workload.seriesPerBody) series a body, "
    + "\(options.connections) connections, settled \(options.settleSeconds) s, seed \(workload.seed)"
    + workload.peculiarities
}

/// Prints what was sent; figures of different bytes are no comparison.
func printDigest(_ digests: [UInt64]) throws {
  guard let first = digests.first, digests.allSatisfy({ $0 == first }) else {
    throw Trial.Failure(description: "the servers were sent different bytes: \(digests)")
  }
  print("bytes sent, hash \(String(first, radix: 16))")
}

func mebibytes(_ bytes: Int) -> Double { Double(bytes) / 1_048_576 }

/// What a folder takes on disk (allocated blocks: a file that was only reserved counts nothing).
func bytesOnDisk(_ path: String) -> Int {
  var status = stat()
  guard lstat(path, &status) == 0 else { return 0 }
  let own = Int(status.st_blocks) * 512
  guard status.st_mode & S_IFMT == S_IFDIR else { return own }
  return namesInFolder(path).reduce(own) { $0 + bytesOnDisk("\(path)/\($1)") }
}

/// The lengths of the files in a folder and its folders.
func bytesInFiles(_ path: String) -> Int {
  var status = stat()
  guard lstat(path, &status) == 0 else { return 0 }
  guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_size) }
  return namesInFolder(path).reduce(0) { $0 + bytesInFiles("\(path)/\($1)") }
}
