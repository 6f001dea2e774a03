/// A counting sort over the sixteen shards, without an allocation.
struct ShardStarts {
  private var ends: [16 of Int] = .init(repeating: 0)
  private var places: [16 of Int] = .init(repeating: 0)

  mutating func add(_ shard: Int) { ends[shard] &+= 1 }

  mutating func finish() {
    var sum = 0
    for shard in 0..<16 {
      places[shard] = sum
      sum &+= ends[shard]
      ends[shard] = sum
    }
  }

  mutating func place(_ shard: Int) -> Int {
    defer { places[shard] &+= 1 }
    return places[shard]
  }

  /// The rows of a shard, once all are placed.
  func range(_ shard: Int) -> Range<Int> { (shard == 0 ? 0 : ends[shard &- 1])..<ends[shard] }
}
