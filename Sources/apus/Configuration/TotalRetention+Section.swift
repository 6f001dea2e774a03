import TSDB

extension TotalRetention {
  /// `apus.total_retention`.
  static let section = Section(
    "total retention", TotalRetention(),
    [
      .size(
        "size", \.sizeBytes,
        help: "What all workspaces may take on the disk together; past it the oldest blocks of all go. 0B: any size."),
      .size(
        "spared_size", \.sparedBytes, help: "A workspace that takes no more than this loses no block to the total."),
    ])
}
