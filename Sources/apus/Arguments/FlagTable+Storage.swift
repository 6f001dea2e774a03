extension FlagTable {
  static let storage: [Flag] = [
    Flag("storage.tsdb.path", .text, "data/", "Directory of the database."),
    Flag(
      "storage.tsdb.retention.time", .duration, "0s",
      "How long samples are kept. 15d if neither time nor size is given. storage.tsdb.retention of the configuration "
        + "file comes before it."),
    Flag(
      "storage.tsdb.retention.size", .size, "0B",
      "How many bytes blocks may take, such as 512MB. storage.tsdb.retention of the configuration file comes before it."
    ),
    Flag(
      "storage.tsdb.wal-sync", .choice(["always", "interval", "os"]), "interval",
      "When the write-ahead log is forced to the disk: before each acknowledgement, every second, or when the system "
        + "likes."),
    Flag(
      "storage.tsdb.min-free-space", .size, "256MB",
      "Free bytes on the disk below which writes are answered with 503 until there is space again. 0 turns it off."),
    Flag(
      "storage.own-metrics", .boolean, "true",
      "Store the server's own metrics every 15 seconds. Without them an empty server takes samples of any age first."),
    Flag("storage.tsdb.no-lockfile", .boolean, "false", "Do not lock the data directory."),
    Flag("storage.tsdb.min-block-duration", .duration, "2h", use: .accepted, isHidden: true, "Shortest block."),
    Flag("storage.tsdb.max-block-duration", .duration, "0s", use: .accepted, isHidden: true, "Longest block."),
    Flag(
      "storage.tsdb.max-block-chunk-segment-size", .size, "0B", use: .accepted, isHidden: true, "Size of chunk files."),
    Flag(
      "storage.tsdb.wal-segment-size", .size, "0B", use: .accepted, isHidden: true, "Size of write-ahead log files."),
    Flag(
      "storage.tsdb.wal-compression", .boolean, "true", use: .accepted, isHidden: true, "Compress the write-ahead log."),
    Flag(
      "storage.tsdb.wal-compression-type", .choice(["snappy", "zstd"]), "snappy", use: .accepted, isHidden: true,
      "How the write-ahead log is compressed."),
    Flag(
      "storage.tsdb.allow-overlapping-compaction", .boolean, "true", use: .accepted, isHidden: true,
      "Merge blocks that overlap."),
    Flag(
      "storage.tsdb.head-chunks-write-queue-size", .integer(0...(.max)), "0", use: .accepted,
      "Queue of chunks on their way to the disk."),
    Flag(
      "storage.tsdb.samples-per-chunk", .integer(1...(.max)), "120", use: .accepted, isHidden: true, "Samples a chunk."),
    Flag(
      "storage.tsdb.delayed-compaction.max-percent", .integer(0...100), "10", use: .accepted, isHidden: true,
      "Random delay of compaction."),
    Flag(
      "storage.tsdb.delay-compact-file.path", .text, "", use: .accepted,
      "File that names uploaded blocks, which alone may be compacted."),
    Flag(
      "storage.tsdb.block-reload-interval", .duration, "1m", use: .accepted, isHidden: true,
      "How often new and removed blocks are looked for."),
    Flag(
      "storage.remote.flush-deadline", .duration, "1m", use: .accepted, "How long samples are flushed on shutdown."),
    Flag(
      "storage.remote.read-sample-limit", .integer(0...(.max)), "50000000",
      "The most samples of one remote read that is not streamed; 0 means no limit."),
    Flag(
      "storage.remote.read-concurrent-limit", .integer(0...(.max)), "10",
      "The most remote reads at the same time; 0 means no limit."),
    Flag(
      "storage.remote.read-max-bytes-in-frame", .integer(1...(.max)), "1048576",
      "The most bytes of a frame of a streamed remote read."),
  ]
}
