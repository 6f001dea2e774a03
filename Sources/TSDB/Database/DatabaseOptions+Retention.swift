import Model

extension DatabaseOptions {
  /// The limits as people read them; empty where there is none.
  package var retentionText: String {
    var limits: [String] = []
    if retentionMilliseconds > 0 { limits.append(DurationText.format(retentionMilliseconds)) }
    if retentionDiskPercentage > 0 {
      let isWhole = retentionDiskPercentage == retentionDiskPercentage.rounded()
      limits.append((isWhole ? "\(Int(retentionDiskPercentage))" : "\(retentionDiskPercentage)") + "% of the disk")
    } else if retentionBytes > 0 {
      limits.append(ByteSizeText.format(Int64(retentionBytes)))
    }
    return limits.joined(separator: " or ")
  }
}
