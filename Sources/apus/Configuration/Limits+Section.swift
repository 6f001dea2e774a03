import Ingest
import Model
import TSDB
import Workspaces

extension WorkspaceSettings {
  /// `apus.limits`. A whole number here is also a row of the metric `apus_limit`.
  static let limits = Section(
    "limits", WorkspaceSettings(),
    [
      .integer("max_active_series", \.database.head.limits.activeSeriesMax, help: "Series in memory."),
      .integer(
        "max_series_per_metric", \.database.head.limits.seriesPerMetricMax,
        help: "Series in memory of one metric name."),
      .integer(
        "max_labels_per_series", \.ingest.labelsPerSeriesMax, help: "Labels of one series, its name included."),
      .integer("max_label_name_bytes", \.ingest.labelNameBytesMax, help: "Bytes of a label's name."),
      .integer("max_label_value_bytes", \.ingest.labelValueBytesMax, help: "Bytes of a label's value."),
      .integer(
        "max_samples_per_second", \.ingest.samplesPerSecondMax,
        help: "Samples received a second; past it senders are told 429."),
      .integer(
        "max_samples_burst", \.ingest.samplesBurstMax, help: "Samples that may come at once; 0: those of one second."),
      .sections(
        "label_sets", \.database.head.limits.labelSets, LabelSetLimit.section,
        help: "Limits of the series with given labels."),
    ])
}

extension LabelSetLimit {
  static let section = Section(
    "label set limit", LabelSetLimit(labels: .empty, seriesMax: 0),
    [
      .labels(
        "labels", \.labels, isRequired: true,
        help: "Labels that a series must have to count; {}: those of no other set."),
      .integer("max_series", \.seriesMax, isRequired: true, help: "Series in memory with these labels."),
    ])
}
