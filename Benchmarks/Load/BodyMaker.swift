import CSnappy
import TestKit

/// Makes the bodies of one connection at the moment they are sent: what is kept from one scrape to the next is eight bytes a
/// series, its value. The labels of a metric and those of a pod are encoded once and copied side by side. Owned by one thread.
///
/// Each series is
///
///     0x0a length  labels of the metric, of the pod  0x12 16  0x09 value(8)  0x10 timestamp(varint, 6 bytes from 2004 to 2109)
struct BodyMaker: ~Copyable {
  private static let timestampBytes = 6
  private static let sampleBytes = 2 + 1 + 8 + 1 + timestampBytes
  /// Labels of a series, in encoded bytes.
  private static let labelBytesMax = 1024

  private let workload: Workload
  /// The numbers of this connection's bodies in a scrape.
  private let numbers: [Int]
  private var values: [SeriesValues]
  private let metricLabels: [[UInt8]]
  private var podLabels: [UInt8] = []
  /// The pod whose labels those are.
  private var pod = -1
  private let message: UnsafeMutableRawBufferPointer
  private var messageCount = 0
  private(set) var compressed: [UInt8] = []

  init(_ workload: Workload, share: Int, of connections: Int) {
    self.workload = workload
    numbers = Array(stride(from: share, to: workload.bodiesPerScrape, by: connections))
    values = numbers.map { SeriesValues(Self.series(ofBody: $0, workload), workload) }
    metricLabels = (0..<min(Workload.metrics, workload.series)).map {
      Self.encoded([("__name__", workload.metricName($0))])
    }
    message = .allocate(byteCount: workload.seriesPerBody * (Self.labelBytesMax + 32), alignment: 8)
  }

  deinit { message.deallocate() }

  var count: Int { numbers.count }

  func number(_ index: Int) -> Int { numbers[index] }

  func lastSeries(_ index: Int) -> Int { Self.series(ofBody: numbers[index], workload).upperBound - 1 }

  func lastValue(_ index: Int) -> Double { values[index].values.last ?? .nan }

  /// From one scrape to the next, before any replica's body of it is made.
  mutating func move(_ index: Int) { values[index].move() }

  /// Leaves the body of a scrape in `compressed`.
  mutating func make(_ index: Int, scrape: Int, replica: Int) {
    let series = Self.series(ofBody: numbers[index], workload)
    var offset = 0
    var timestamp: [UInt8] = []
    pod = -1
    for number in series {
      if pod != number / Workload.metrics {
        pod = number / Workload.metrics
        encodePod(scrape: scrape, replica: replica)
        timestamp.removeAll(keepingCapacity: true)
        let time = workload.timestamp(scrape: scrape, pod: pod, replica: replica)
        ProtobufBytes.append(varint: UInt64(bitPattern: time), to: &timestamp)
        precondition(timestamp.count == Self.timestampBytes, "timestamps of the load take six bytes")
      }
      offset = append(
        metricLabels[number % Workload.metrics], values[index].values[number - series.lowerBound], timestamp, at: offset
      )
    }
    messageCount = offset
    compress(offset)
  }

  /// The body before it was compressed; valid until the next one is made.
  var messageBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: message[..<messageCount]) }

  private static func series(ofBody number: Int, _ workload: Workload) -> Range<Int> {
    let first = number * workload.seriesPerBody
    return first..<min(workload.series, first + workload.seriesPerBody)
  }

  private mutating func encodePod(scrape: Int, replica: Int) {
    var labels = workload.podLabels(pod, generation: workload.generation(ofPod: pod, scrape: scrape))
    if replica < workload.replicas.count { labels.insert(("__replica__", workload.replicas[replica]), at: 0) }
    podLabels = Self.encoded(labels)
  }

  private static func encoded(_ labels: [(String, String)]) -> [UInt8] {
    var all: [UInt8] = []
    for (name, value) in labels {
      var label: [UInt8] = []
      ProtobufBytes.append(bytes: Array(name.utf8), field: 1, to: &label)
      ProtobufBytes.append(bytes: Array(value.utf8), field: 2, to: &label)
      ProtobufBytes.append(bytes: label, field: 1, to: &all)
    }
    return all
  }

  /// Writes one series; where the next one begins.
  private func append(_ metric: [UInt8], _ value: Double, _ timestamp: [UInt8], at start: Int) -> Int {
    let count = metric.count + podLabels.count + Self.sampleBytes
    precondition(count <= Self.labelBytesMax, "a series of \(count) bytes")
    var offset = start
    func put(_ byte: Int) {
      message[offset] = UInt8(truncatingIfNeeded: byte)
      offset += 1
    }
    func put(_ bytes: [UInt8]) {
      UnsafeMutableRawBufferPointer(rebasing: message[offset...]).copyBytes(from: bytes)
      offset += bytes.count
    }
    put(0x0a)
    if count < 128 {
      put(count)
    } else {
      put(count & 0x7f | 0x80)
      put(count >> 7)
    }
    put(metric)
    put(podLabels)
    put(0x12)
    put(Self.sampleBytes - 2)
    put(0x09)
    message.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: offset, as: UInt64.self)
    offset += 8
    put(0x10)
    put(timestamp)
    return offset
  }

  private mutating func compress(_ byteCount: Int) {
    var count = snappy_max_compressed_length(byteCount)
    let source = message.baseAddress?.assumingMemoryBound(to: CChar.self)
    compressed = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      let status = target.withMemoryRebound(to: CChar.self) {
        snappy_compress(source, byteCount, $0.baseAddress, &count)
      }
      precondition(status == SNAPPY_OK, "snappy refused to compress \(byteCount) bytes")
      initialized = count
    }
  }
}

/// A fast 64-bit digest that tells whether two servers were sent the same bytes.
func digest(of bytes: [UInt8]) -> UInt64 {
  var hash: UInt64 = 0x9e37_79b9_7f4a_7c15 ^ UInt64(bytes.count)
  bytes.withUnsafeBytes { bytes in
    var offset = 0
    while offset + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      hash = (hash ^ word) &* 0xff51_afd7_ed55_8ccd
      hash ^= hash >> 32
      offset += 8
    }
    for byte in bytes[offset...] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  }
  return hash
}
