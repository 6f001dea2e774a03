import TestKit
import Testing

extension EndToEnd {
  /// OpenTelemetry's metrics, pushed into Apus and into real peers. Debian builds its Prometheus without OpenTelemetry;
  /// where APUS_PEERS has one that knows it, the two are compared, too.
  @Suite("OpenTelemetry", .serialized, .timeLimit(.minutes(5)))
  struct OpenTelemetry {
    static let path = "/api/v1/otlp/v1/metrics"
    static let everything = #"{__name__=~".+"}[1h]"#

    /// Whether the Prometheus that is there takes OpenTelemetry's metrics.
    static let hasPeer: Bool = {
      do {
        let help = try ChildProcess(try PeerBinary.prometheus.path(), ["--help"])
        _ = help.wait(within: .seconds(20))
        return (help.standardOutput.complete() + help.standardError.complete()).contains("web.enable-otlp-receiver")
      } catch {
        return false
      }
    }()
    static let noPeer: Comment = "no Prometheus that was built with OpenTelemetry"

    /// Both servers with the same section `otlp`.
    final class Pair {
      let site: Site
      let apus: ServerProcess
      let prometheus: ServerProcess

      init(_ section: String, _ arguments: [String] = []) throws {
        site = try Site()
        let configuration = try site.directory.write(section + "\n", to: "prometheus.yml")
        apus = try .apus(data: site.data, ["--config.file=\(configuration)", "--no-storage.own-metrics"] + arguments)
        prometheus = try .prometheus(
          data: site.directory.path("peer"), configuration: configuration,
          ["--web.enable-otlp-receiver"] + arguments)
      }

      /// All series with all samples, as texts.
      static func everything(_ server: ServerProcess) throws -> [String] {
        try server.query(OpenTelemetry.everything).series.map { series in
          series.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",") + " "
            + series.points.map { "\($0.value)@\($0.timestampMilliseconds)" }.joined(separator: " ")
        }.sorted()
      }
    }

    static let resource =
      OTLPBody.attributes([
        "service.name": "shop", "service.namespace": "web", "service.instance.id": "i-1", "host.name": "h 1",
        "cloud.region": "eu", "_odd": "o", "1st": "f", "double__score": "d",
      ]) + [
        OTLPBody.attribute("cpu.count", (3, "intValue", .integer(4))),
        OTLPBody.attribute("load", (4, "doubleValue", .double(1e-7))),
        OTLPBody.attribute("on", (2, "boolValue", .bool(true))),
      ]

    /// Names, units, labels and kinds that have made translations differ; every point at the same time.
    static func metrics(_ time: Int64) -> [OTLPMessage] {
      let units = [
        "", "1", "s", "ms", "By", "By/s", "KiBy", "%", "{requests}", "{a}/s", "m", "1/s", "kWh", "Cel", "/h",
      ]
      let names = ["plain", "dotted.name", "with_total", "2nd", "a-b c", "used.ratio", "x__y", "bytes.sent", "ns:m"]
      var metrics: [OTLPMessage] = []
      for (index, unit) in units.enumerated() {
        for (place, name) in names.enumerated() {
          let labels = OTLPBody.attributes([
            "unit": unit, "http.route": "/r", "_under": "1", "__keep__": "2", "9lives": "3",
          ])
          let value = Double(index * 10 + place)
          metrics.append(OTLPBody.metric("g.\(name)", unit: unit, .gauge, [OTLPBody.number(value, at: time, labels)]))
          metrics.append(
            OTLPBody.metric(
              "c.\(name)", unit: unit, .sum(isMonotonic: true), [OTLPBody.number(value, at: time, labels)]))
          metrics.append(
            OTLPBody.metric(
              "u.\(name)", unit: unit, .sum(isMonotonic: false), [OTLPBody.integer(Int64(value), at: time, labels)]))
        }
      }
      let collision = OTLPBody.attributes(["a.b": "1", "a_b": "2", "a-b": "3", "le": "own", "job": "own"])
      metrics += [
        OTLPBody.metric("collides", .gauge, [OTLPBody.number(1, at: time, collision)]),
        OTLPBody.metric(
          "took", unit: "s", .histogram,
          [
            OTLPBody.histogram(
              at: time, count: 10, sum: 12.25, buckets: [1, 2, 3, 4], bounds: [0.005, 1, 1e6],
              OTLPBody.attributes(["x": "1"])),
            OTLPBody.histogram(at: time, count: 2, sum: nil, buckets: [], bounds: [], OTLPBody.attributes(["x": "2"])),
          ]),
        OTLPBody.metric(
          "rpc", unit: "ms", .summary,
          [OTLPBody.summary(at: time, count: 5, sum: 2.5, [(0, 0.1), (0.5, 0.2), (0.999, 0.3), (1, 1e21)])]),
      ]
      return metrics
    }

    @Test(
      "the same pushes make the same series with the same values", .enabled(if: hasPeer, noPeer),
      arguments: [
        "{}", "otlp: {translation_strategy: NoUTF8EscapingWithSuffixes}", "otlp: {translation_strategy: NoTranslation}",
        "otlp: {promote_resource_attributes: [host.name, cpu.count, load, service.name, _odd]}",
        "otlp: {promote_all_resource_attributes: true, keep_identifying_resource_attributes: true}",
      ])
    func same(_ section: String) throws {
      let pair = try Pair(section)
      let time = recentTimestamp()
      for (number, isJSON) in [(0, false), (1, true)] {
        // A second push, a little later, in the other encoding.
        let push = OTLPBody.request(resource: Self.resource, Self.metrics(time + Int64(number) * 1000))
        let body = isJSON ? Array(push.json.utf8) : gzipCompressed(push.protobuf)
        let headers =
          isJSON
          ? [("Content-Type", "application/json")]
          : [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "gzip")]
        for server in [pair.prometheus, pair.apus] {
          let answer = try server.request("POST", Self.path, headers: headers, body: body)
          #expect(answer.status == 200, "\(answer.text)")
        }
      }
      let theirs = try Pair.everything(pair.prometheus)
      let ours = try Pair.everything(pair.apus)
      #expect(theirs.count > 300)
      let missing = Set(theirs).subtracting(ours).sorted()
      let surplus = Set(ours).subtracting(theirs).sorted()
      #expect(missing.isEmpty && surplus.isEmpty, "missing:\n\(missing.prefix(20))\nsurplus:\n\(surplus.prefix(20))")
    }

    @Test("deltas that are made cumulative are the same sums", .enabled(if: hasPeer, noPeer))
    func deltas() throws {
      let pair = try Pair("{}", ["--enable-feature=otlp-deltatocumulative"])
      let start = recentTimestamp()
      for step in 0..<5 {
        let time = start + Int64(step) * 1000
        let push = OTLPBody.request(
          resource: Self.resource,
          [
            OTLPBody.metric(
              "d", .sum(isMonotonic: true), temporality: 1, [OTLPBody.number(Double(step) + 0.5, at: time)]),
            OTLPBody.metric(
              "h", .histogram, temporality: 1,
              [
                OTLPBody.histogram(
                  at: time, count: UInt64(step), sum: Double(step), buckets: [UInt64(step), 0], bounds: [1])
              ]),
          ])
        for server in [pair.prometheus, pair.apus] {
          let answer = try server.request(
            "POST", Self.path, headers: [("Content-Type", "application/x-protobuf")], body: push.protobuf)
          #expect(answer.status == 200, "\(answer.text)")
        }
      }
      #expect(try Pair.everything(pair.apus) == Pair.everything(pair.prometheus))
    }

    @Test(
      "VictoriaMetrics makes the same series of the same push, but for what it does otherwise on purpose",
      .enabled(if: PeerBinary.victoriaMetrics.isExpected, Comment(rawValue: PeerBinary.victoriaMetrics.absence)))
    func victoriaMetrics() throws {
      let site = try Site()
      let promoted = "host.name,cpu.count,_odd"
      let configuration = try site.directory.write(
        "otlp: {promote_resource_attributes: [\(promoted)]}\n", to: "prometheus.yml")
      let apus = try ServerProcess.apus(
        data: site.data, ["--config.file=\(configuration)", "--no-storage.own-metrics"])
      let victoria = try ServerProcess.victoriaMetrics(
        data: site.directory.path("peer"),
        [
          "-opentelemetry.usePrometheusNaming", "-opentelemetry.promoteAllResourceAttributes=false",
          "-opentelemetry.promoteResourceAttributes=\(promoted)",
        ])
      let time = recentTimestamp(minutesAgo: 2)
      // Its names have no colons, no underscore before a digit, and a ratio for sums that go up and down; of attributes
      // that become one label it keeps the last, and of a histogram without buckets nothing.
      let metrics = Self.metrics(time).filter { metric in
        let json = metric.json
        return !json.contains("ns:m") && !json.contains("collides")
          && !(json.contains("\"u.") && json.contains("\"unit\":\"1\""))
      }
      let push = OTLPBody.request(resource: Self.resource, metrics)
      let headers = [("Content-Type", "application/x-protobuf")]
      for (server, path) in [(apus, Self.path), (victoria, "/opentelemetry/v1/metrics")] {
        let answer = try server.request("POST", path, headers: headers, body: push.protobuf)
        #expect(answer.status == 200, "\(answer.text)")
      }
      #expect(try victoria.get("/internal/force_flush").status == 200)
      func series(_ server: ServerProcess) throws -> Set<String> {
        let expression = "/api/v1/query?nocache=1&query=%7B__name__=~%22.%2B%22%7D&time=\(time / 1000)"
        let answer = try QueryAnswer(server.get(expression))
        return Set(
          answer.series.filter { $0.labels["__name__"] != "target_info" && $0.labels["x"] != "2" }.map { series in
            // The target is named by other labels there, and the scope always.
            let labels = series.labels.filter { !["job", "instance"].contains($0.key) && !$0.key.hasPrefix("scope_") }
            return labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
              + " \(series.points.first?.value ?? .nan)"
          })
      }
      let theirs = try series(victoria)
      let ours = try series(apus)
      #expect(ours.count > 300)
      let missing = theirs.subtracting(ours).sorted()
      let surplus = ours.subtracting(theirs).sorted()
      #expect(missing.isEmpty && surplus.isEmpty, "missing:\n\(missing.prefix(20))\nsurplus:\n\(surplus.prefix(20))")
    }

    @Test(
      "the Python SDK's deltas are added up without a flag, and nothing of them is lost",
      .enabled(if: PythonSDK.isExpected, PythonSDK.absence))
    func pythonDeltas() throws {
      let python = try PythonSDK.made.get()
      let site = try Site()
      let apus = try ServerProcess.apus(data: site.data, ["--no-storage.own-metrics"])
      let script = try site.directory.write(PythonSDK.deltaScript, to: "push.py")
      let child = try ChildProcess(python, [script, apus.baseURL + Self.path])
      let status = child.wait(within: .seconds(60))
      let said = child.standardError.complete() + child.standardOutput.complete()
      #expect(status == .code(0) && !said.contains("rror"), "\(said)")
      func values(_ selector: String) throws -> [Double] {
        try apus.query(selector).series.map { $0.points.last?.value ?? .nan }
      }
      #expect(try values("orders_total") == [6])
      #expect(try values("count_over_time(orders_total[10m])") == [3])
      #expect(try values("took_count") == [6] && values("took_bucket{le=\"5\"}") == [3])
      #expect(try values("took_sum").first.map { abs($0 - 180.3) < 1e-9 } == true)
      #expect(try values("histogram_count(size)") == [6])
      #expect(try values("histogram_quantile(1, size)").first.map { $0 > 80 && $0 < 100 } == true)
      #expect(try apus.get("/api/v1/status/limits").text.contains("\"discardedSamples\":{}"))
    }

    @Test(
      "the Python SDK's exporter pushes, and what it measured is there",
      .enabled(if: PythonSDK.isExpected, PythonSDK.absence))
    func pythonSDK() throws {
      let python = try PythonSDK.made.get()
      let site = try Site()
      let configuration = try site.directory.write(
        "otlp: {promote_resource_attributes: [deployment.environment]}\n", to: "prometheus.yml")
      let apus = try ServerProcess.apus(
        data: site.data, ["--config.file=\(configuration)", "--no-storage.own-metrics"])
      let script = try site.directory.write(PythonSDK.script, to: "push.py")
      let child = try ChildProcess(python, [script, apus.baseURL + Self.path])
      let status = child.wait(within: .seconds(60))
      let said = child.standardError.complete() + child.standardOutput.complete()
      #expect(status == .code(0), "\(said)")
      #expect(!said.contains("Failed to export") && !said.contains("rror"), "\(said)")

      func value(_ selector: String) throws -> [Double] {
        try apus.query(selector).series.map { $0.points.last?.value ?? .nan }
      }
      let target = #"deployment_environment="test",instance="py",job="sdk""#
      #expect(try value("orders_total{\(target),http_route=\"/a\"}") == [8])
      #expect(try value("queue_length{\(target)}") == [-2])
      #expect(try value("temperature_celsius{\(target),room=\"x\"}") == [21.5])
      #expect(try value("took_seconds_count{\(target),ok=\"true\",code=\"200\"}") == [4])
      #expect(try value("took_seconds_sum{\(target)}") == [20703.1])
      #expect(try value("took_seconds_bucket{\(target),le=\"5\"}") == [2])
      #expect(try value("took_seconds_bucket{\(target),le=\"+Inf\"}") == [4])
      #expect(try value("target_info{telemetry_sdk_language=\"python\"}") == [1])
      #expect(try apus.get("/api/v1/metadata?metric=orders_total").text.contains("Orders placed."))
    }
  }

  /// OpenTelemetry's SDK for Python, in a virtual environment inside the build folder.
  enum PythonSDK {
    static let version = "1.39.1"

    struct Unavailable: Error, CustomStringConvertible {
      var description: String
    }

    /// Its Python, made once.
    static let made = Result { try interpreter() }

    /// Without the package index there is no SDK: no verdict, unless peers are required.
    static var isExpected: Bool { PeerBinary.areRequired || (try? made.get()) != nil }
    static let absence: Comment =
      "no OpenTelemetry SDK for Python: scripts/setup --test, and the package index, bring it"

    /// Its Python; made at first, for which the package index has to be reachable.
    private static func interpreter() throws -> String {
      let binary = try builtProgram("apus")
      let folder = String(binary.dropLast("/apus".count)) + "/otel-sdk-\(version)"
      let python = folder + "/bin/python"
      let mark = folder + "/.complete"
      if try ChildProcess("/usr/bin/test", ["-e", mark]).wait(within: .seconds(20)) == .code(0) { return python }
      let commands = """
        set -e
        python3 -m venv '\(folder)'
        '\(python)' -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 \
          opentelemetry-sdk==\(version) opentelemetry-exporter-otlp-proto-http==\(version)
        touch '\(mark)'
        """
      let child = try ChildProcess("/bin/sh", ["-c", commands])
      guard child.wait(within: .seconds(180)) == .code(0) else {
        child.killAndReap()
        throw Unavailable(
          description: "the OpenTelemetry SDK cannot be installed; is PyPI reachable? "
            + "\(child.standardError.complete().suffix(500))")
      }
      return python
    }

    /// Pushes three times with delta temporality: counters, a histogram, and one with exponential buckets.
    static let deltaScript = """
      import sys
      from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
      from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
      from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
      from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
      from opentelemetry.sdk.resources import Resource

      delta = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
      exporter = OTLPMetricExporter(endpoint=sys.argv[1], preferred_temporality=delta)
      reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3600000)
      resource = Resource.create({"service.name": "sdk", "service.instance.id": "delta"})
      view = View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation())
      provider = MeterProvider(resource=resource, metric_readers=[reader], views=[view])
      meter = provider.get_meter("shop", "0.1")
      orders, took, size = meter.create_counter("orders"), meter.create_histogram("took"), meter.create_histogram("size")
      ok = True
      for step in range(3):
          orders.add(step + 1)
          for value in (0.1, 30 * (step + 1)):
              took.record(value)
              size.record(value)
          ok = provider.force_flush() and ok
      provider.shutdown()
      sys.exit(0 if ok else 1)

      """

    /// Pushes once, gzip-compressed, with one instrument of each kind.
    static let script = """
      import sys
      from opentelemetry.exporter.otlp.proto.http import Compression
      from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
      from opentelemetry.metrics import Observation
      from opentelemetry.sdk.metrics import MeterProvider
      from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
      from opentelemetry.sdk.resources import Resource

      exporter = OTLPMetricExporter(endpoint=sys.argv[1], compression=Compression.Gzip)
      reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3600000)
      resource = Resource.create({"service.name": "sdk", "service.instance.id": "py", "deployment.environment": "test"})
      provider = MeterProvider(resource=resource, metric_readers=[reader])
      meter = provider.get_meter("shop", "0.1")
      orders = meter.create_counter("orders", description="Orders placed.")
      orders.add(3, {"http.route": "/a"})
      orders.add(5, {"http.route": "/a"})
      meter.create_up_down_counter("queue.length", unit="{item}").add(-2)
      took = meter.create_histogram("took", unit="s")
      for value in (0.1, 3, 700, 20000):
          took.record(value, {"ok": True, "code": 200})
      meter.create_observable_gauge("temperature", callbacks=[lambda _: [Observation(21.5, {"room": "x"})]], unit="Cel")
      ok = provider.force_flush()
      provider.shutdown()
      sys.exit(0 if ok else 1)

      """
  }
}
