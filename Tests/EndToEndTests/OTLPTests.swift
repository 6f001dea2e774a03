import TestKit
import Testing

extension EndToEnd {
  /// OpenTelemetry's metrics, pushed into Apus and into a real Prometheus.
  @Suite("OpenTelemetry", .serialized, .timeLimit(.minutes(5)))
  struct OpenTelemetry {
    static let path = "/api/v1/otlp/v1/metrics"
    static let everything = #"{__name__=~".+"}[1h]"#

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
      "the same pushes make the same series with the same values",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)),
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

    @Test(
      "deltas that are made cumulative are the same sums",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
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
      "the Python SDK's exporter pushes into both, and both have the same",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func pythonSDK() throws {
      let python: String
      do {
        python = try PythonSDK.interpreter()
      } catch {
        // Without the package index there is no SDK: no verdict, unless peers are required.
        print("skipped: \(error)")
        if PeerBinary.areRequired { Issue.record("\(error)") }
        return
      }
      let pair = try Pair("otlp: {promote_resource_attributes: [deployment.environment]}")
      let script = try pair.site.directory.write(PythonSDK.script, to: "push.py")
      for server in [pair.prometheus, pair.apus] {
        let child = try ChildProcess(python, [script, server.baseURL + Self.path])
        let status = child.wait(within: .seconds(60))
        let said = child.standardError.complete() + child.standardOutput.complete()
        #expect(status == .code(0), "\(said)")
        #expect(!said.contains("Failed to export") && !said.contains("rror"), "\(said)")
      }
      // The times are each push's own.
      func series(_ server: ServerProcess) throws -> [String] {
        try Pair.everything(server).map { line in
          line.split(separator: " ").map { $0.split(separator: "@").first ?? "" }.joined(separator: " ")
        }
      }
      let ours = try series(pair.apus)
      #expect(try ours == series(pair.prometheus))
      #expect(
        ours.contains { $0.contains("__name__=orders_total,deployment_environment=test") && $0.hasSuffix(" 8.0") })
      #expect(ours.contains { $0.contains("__name__=took_seconds_bucket") && $0.contains("le=+Inf") })
      #expect(ours.contains { $0.contains("__name__=target_info") })
    }
  }

  /// OpenTelemetry's SDK for Python, in a virtual environment inside the build folder.
  enum PythonSDK {
    static let version = "1.39.1"

    struct Unavailable: Error, CustomStringConvertible {
      var description: String
    }

    /// Its Python; made at first, for which the package index has to be reachable.
    static func interpreter() throws -> String {
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
