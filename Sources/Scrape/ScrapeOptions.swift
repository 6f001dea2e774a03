import Discovery
import Model
import Outbound

/// A scrape config, with the defaults of the section `global` filled in. Limits of 0: none.
package struct ScrapeOptions: Sendable, Equatable {
  package struct Parameter: Sendable, Equatable {
    package var name: String
    package var values: [String]

    package init(name: String, values: [String]) {
      self.name = name
      self.values = values
    }
  }

  package enum NameScheme: String, Sendable { case utf8, legacy }
  package enum Escaping: String, Sendable { case allowUTF8 = "allow-utf-8", underscores, dots, values }

  package var jobName = ""
  package var honorsLabels = false
  package var honorsTimestamps = true
  package var tracksStalenessOfTimestamps = false
  package var parameters: [Parameter] = []
  package var intervalMilliseconds: Int64 = 60_000
  package var timeoutMilliseconds: Int64 = 10_000
  package var protocols = ScrapeProtocol.usual
  package var fallbackProtocol: ScrapeProtocol?
  package var storesNativeHistograms = false
  package var alwaysStoresClassicHistograms = false
  package var convertsClassicHistograms = false
  package var failureLogFile = ""
  package var metricsPath = "/metrics"
  package var scheme = "http"
  package var isCompressionEnabled = true
  package var bodyBytesMax = 0
  package var samplesMax = 0
  package var targetsMax = 0
  package var labelsMax = 0
  package var labelNameBytesMax = 0
  package var labelValueBytesMax = 0
  package var nativeHistogramBucketsMax = 0
  package var nativeHistogramBucketFactorMin = 0.0
  package var droppedTargetsKeptMax = 0
  package var nameScheme = NameScheme.utf8
  package var escaping = Escaping.allowUTF8
  package var storesExtraMetrics = false
  package var client = ClientSettings()
  /// The signature of its requests; nil: they are not signed.
  package var signing: RequestSigning?
  package var relabelling: [RelabelRule] = []
  package var metricRelabelling: [RelabelRule] = []
  package var discoveries: [DiscoveryOptions] = []
  /// Stores what is valid of a scrape and names what is not, where Prometheus refuses the whole scrape.
  package var keepsValid = false
  /// The section as YAML, secrets hidden.
  package var text = ""

  package init() {}
}

/// The formats that targets may answer in.
package enum ScrapeProtocol: String, Sendable, CaseIterable {
  case protobuf = "PrometheusProto"
  case openMetrics0 = "OpenMetricsText0.0.1"
  case openMetrics1 = "OpenMetricsText1.0.0"
  case text0 = "PrometheusText0.0.4"
  case text1 = "PrometheusText1.0.0"

  /// Asked for where the configuration names none.
  package static let usual: [ScrapeProtocol] = [.openMetrics1, .openMetrics0, .text1, .text0]
}
