import Format
import Model

/// Finds the labels that name a replica in the label bytes of a row. Made for one body.
struct PairLabels {
  private let cluster: [UInt8]
  private let replica: [UInt8]
  private let stripsLoneReplica: Bool

  enum Found {
    case none
    case pair(cluster: LentBytes, replica: LentBytes)
    /// The value of the one that is there.
    case missing(HATracker.IncompleteLabel, LentBytes)
  }

  init(_ options: HAOptions) {
    cluster = Array(options.clusterLabel.utf8)
    replica = Array(options.replicaLabel.utf8)
    stripsLoneReplica = options.isLoneReplicaLabelStripped
  }

  /// Labels that are no labels name nobody; they are refused where labels are checked. A label without a value is none.
  func find(in bytes: LentBytes, _ labels: inout LabelFields) -> Found {
    guard labels.parse(bytes) else { return .none }
    var clusterValue: LentBytes?
    var replicaValue: LentBytes?
    for index in 0..<labels.fields.count {
      let field = labels.fields[index]
      let length = Int(field.valueLength)
      if length == 0 || length > BodyPairs.valueBytesMax { continue }
      if Int(field.nameLength) == cluster.count, labels.name(index, in: bytes).elementsEqual(cluster) {
        clusterValue = labels.value(index, in: bytes)
      }
      if Int(field.nameLength) == replica.count, labels.name(index, in: bytes).elementsEqual(replica) {
        replicaValue = labels.value(index, in: bytes)
      }
    }
    switch (clusterValue, replicaValue) {
    case (let cluster?, let replica?): return .pair(cluster: cluster, replica: replica)
    case (nil, let replica?):
      // The empty cluster has no leader: all of it is taken.
      if stripsLoneReplica { return .pair(cluster: LentBytes(), replica: replica) }
      return .missing(.cluster, replica)
    case (let cluster?, nil): return .missing(.replica, cluster)
    case (nil, nil): return .none
    }
  }
}

extension LabelFields {
  /// Leaves out the label of this name.
  mutating func remove(_ name: String, in bytes: LentBytes) {
    var kept = 0
    for index in 0..<fields.count where !name.utf8.elementsEqual(self.name(index, in: bytes)) {
      fields[kept] = fields[index]
      kept += 1
    }
    fields.resize(to: kept)
  }
}
