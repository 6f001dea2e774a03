import TSDB

extension TotalRetention {
  /// `apus.retention`.
  static let section = Section(
    "retention", TotalRetention(),
    [
      .size(
        "total_size", \.sizeBytes,
        help: "What all workspaces may take on the disk together; past it the oldest blocks of all go. 0B: any size."),
      .size(
        "spared_size", \.sparedBytes, help: "A workspace that takes no more than this loses no block to the total."),
    ])
}
