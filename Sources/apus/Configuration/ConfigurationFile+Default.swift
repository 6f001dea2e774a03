extension ConfigurationFile {
  /// config/apus.yml, word for word.
  static let defaultText = """
    # The configuration of Apus: what holds without a file. Every line is a default and may be left out.
    # A configuration file of Prometheus 3 can be used as it is; docs/configuration.md has the full reference.

    global:
      # Added to what leaves the server. ${NAME} stands for an environment variable.
      external_labels: {}

    storage:
      tsdb:
        # How old a sample may be that comes late. Without this key: as old as samples are kept. 0s refuses late samples.
        # out_of_order_time_window: 1h
        # What goes away first: samples older than `time`, or the oldest blocks once all take more than `size` or
        # `percentage` of the disk. These come before the flags; without either, samples are kept for 15d.
        # retention:
        #   time: 15d
        #   size: 50GB
        #   percentage: 80
      exemplars:
        max_exemplars: 100000

    # What Prometheus does not have.
    apus:
      # Limits of the workspace; 0 means no limit.
      limits:
        max_active_series: 10000000
        max_series_per_metric: 2000000
        max_labels_per_series: 100
        max_label_name_bytes: 1024
        max_label_value_bytes: 8192

      # Workspaces besides the default one, whose settings are those above. An entry's id is part of its address,
      # /workspaces/ID/api/v1/...; what the entry does not give is as for the default workspace.
      # workspaces:
      # - id: ws-payments
      #   alias: Payments
      #   limits:
      #     max_active_series: 500000
      #   retention:
      #     time: 90d

    """
}
