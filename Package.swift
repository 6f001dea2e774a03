// swift-tools-version: 6.2
import PackageDescription

// The graph of docs/architecture.md: a target imports only targets of lower layers.
// Swift language mode 6 is the default of these tools; a warning is an error everywhere.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
// Targets whose unsafe code is marked, and gathered in few files: the compiler refuses any that is not.
let safe: [SwiftSetting] = strict + [.strictMemorySafety()]
// Targets with hot loops over raw memory that one type owns: exclusivity is proven by ownership, not checked at run time.
let hot: [SwiftSetting] = strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
// The evaluator hands series on through closures, recursively; specializing each function for each closure it may meet
// multiplies code and compile time for no speed.
let streamed: [SwiftSetting] =
  safe + [.unsafeFlags(["-Xllvm", "-sil-disable-pass=closure-specialize"], .when(configuration: .release))]

let package = Package(
  name: "Apus",
  products: [
    .executable(name: "apus", targets: ["apus"])
  ],
  targets: [
    // Layer 0: C leaves without logic.
    .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CMicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
    .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-gnutls-dev"])]),
    .target(
      name: "CProtobuf",
      exclude: ["otlp_metrics.proto", "remote.proto", "write_v2.proto"],
      linkerSettings: [.linkedLibrary("protobuf-c")]),
    .target(
      name: "CShims",
      cSettings: [.unsafeFlags(["-O2"])],
      cxxSettings: [.unsafeFlags(["-O2"])],
      linkerSettings: [
        .linkedLibrary("re2"), .linkedLibrary("stdc++"), .linkedLibrary("microhttpd"), .linkedLibrary("curl"),
        .linkedLibrary("gnutls"),
      ]),

    // Layer 1: nouns, and effects.
    .target(name: "Model", dependencies: ["CShims"], swiftSettings: hot),
    .target(name: "Platform", dependencies: ["CShims"], swiftSettings: hot),

    // Layer 2: bytes <-> nouns, and HTTP.
    .target(
      name: "Format",
      dependencies: ["Model", "CSnappy", "CZlib", "CZstd", "CYAML", "CProtobuf", "CShims"],
      swiftSettings: hot),
    .target(
      name: "HTTP", dependencies: ["Platform", "CMicrohttpd", "CCurl", "CZlib", "CZstd", "CShims"],
      swiftSettings: hot),

    // Layer 3: the database and the language; neither knows the other.
    .target(name: "TSDB", dependencies: ["Model", "Platform", "Format", "CShims"], swiftSettings: hot),
    .target(name: "PromQL", dependencies: ["Model"], swiftSettings: streamed),

    // Requests to other servers: credentials, TLS, proxies.
    .target(name: "Outbound", dependencies: ["Model", "Platform", "Format", "HTTP"], swiftSettings: safe),

    // Who may do what: credentials, signatures, policies, the web configuration file.
    .target(name: "Access", dependencies: ["Model", "Platform", "Format", "HTTP", "CCrypt"], swiftSettings: safe),

    // Layer 4: what feeds the database, what asks it, and what finds targets.
    .target(name: "Ingest", dependencies: ["Model", "Platform", "Format", "TSDB"], swiftSettings: hot),
    .target(
      name: "Query", dependencies: ["Model", "Platform", "Format", "TSDB", "PromQL"], swiftSettings: safe),

    .target(
      name: "Discovery", dependencies: ["Model", "Platform", "Format", "HTTP", "Outbound"], swiftSettings: safe),

    // Layer 5: targets into a database; rules over one; alerts to those who are told of them.
    .target(
      name: "Scrape",
      dependencies: ["Model", "Platform", "Format", "HTTP", "Outbound", "TSDB", "Ingest", "Discovery"],
      swiftSettings: safe),
    .target(
      name: "Rules",
      dependencies: ["Model", "Platform", "Format", "TSDB", "PromQL", "Ingest", "Query"],
      swiftSettings: safe),
    .target(
      name: "Notify",
      dependencies: ["Model", "Platform", "Format", "HTTP", "Outbound", "Discovery"],
      swiftSettings: safe),

    // Layer 6: a database with all that belongs to it, and the set of them.
    .target(
      name: "Workspaces", dependencies: ["Model", "Platform", "Format", "TSDB", "Ingest", "Query", "Rules"],
      swiftSettings: safe),

    // Layer 7: workspaces and what belongs to them as the API of the managed service makes and changes them.
    .target(
      name: "Management",
      dependencies: [
        "Model", "Platform", "Format", "HTTP", "TSDB", "Ingest", "Rules", "Notify", "Access", "Workspaces",
      ],
      swiftSettings: safe),

    // Layer 8: the HTTP surface.
    .target(
      name: "API",
      dependencies: [
        "Model", "Platform", "Format", "HTTP", "TSDB", "PromQL", "Ingest", "Query", "Workspaces", "Scrape", "Rules",
        "Notify", "Access", "Management",
      ],
      swiftSettings: safe),

    // Layer 9: the executable.
    .executableTarget(
      name: "apus",
      dependencies: [
        "Model", "Platform", "Format", "HTTP", "TSDB", "PromQL", "Ingest", "Query", "Workspaces", "API", "Outbound",
        "Discovery", "Scrape", "Rules", "Notify", "Access", "Management", "CShims",
      ],
      swiftSettings: strict, plugins: ["RevisionPlugin"]),
    .plugin(name: "RevisionPlugin", capability: .buildTool()),

    // Load generators and measurements: built with everything, run by scripts/bench.
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "Model", "Platform", "PlatformSimulation", "Format", "TSDB", "PromQL", "Ingest", "CSnappy", "TestKit",
      ],
      path: "Benchmarks",
      exclude: ["README.md"],
      swiftSettings: strict),

    // A disk that loses what was not synced and a clock that a test moves; no part of the product.
    .target(
      name: "PlatformSimulation", dependencies: ["Platform"], path: "Tests/PlatformSimulation", swiftSettings: strict),

    // A server in a simulated world, and the program that replays one: scripts/simulate.
    .target(
      name: "Simulation",
      dependencies: [
        "Model", "Platform", "PlatformSimulation", "HTTP", "TSDB", "Ingest", "Query", "Workspaces", "API", "TestKit",
      ],
      path: "Tests/Simulation", swiftSettings: strict),
    .executableTarget(
      name: "Simulate", dependencies: ["Platform", "Simulation", "TestKit"], path: "Tests/Simulate",
      swiftSettings: strict),

    // Tests.
    .target(
      name: "TestKit", dependencies: ["CSnappy", "CZlib"], path: "Tests/TestKit", swiftSettings: strict),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    .testTarget(name: "ModelTests", dependencies: ["Model", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "PlatformTests", dependencies: ["Platform", "PlatformSimulation", "TestKit"], swiftSettings: strict),
    .testTarget(name: "FormatTests", dependencies: ["Format", "Model", "TestKit", "CProtobuf"], swiftSettings: strict),
    .testTarget(name: "HTTPTests", dependencies: ["HTTP", "Platform", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "TSDBTests", dependencies: ["TSDB", "PlatformSimulation", "TestKit", "CAllocationCount"],
      swiftSettings: strict),
    .testTarget(name: "PromQLTests", dependencies: ["PromQL", "TestKit"], swiftSettings: strict),
    .testTarget(
      name: "IngestTests",
      dependencies: [
        "Ingest", "TSDB", "Format", "Model", "Platform", "PlatformSimulation", "TestKit", "CAllocationCount",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "QueryTests",
      dependencies: [
        "Query", "Ingest", "TSDB", "PromQL", "Model", "Platform", "PlatformSimulation", "TestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "WorkspacesTests",
      dependencies: ["Workspaces", "Ingest", "TSDB", "Model", "Platform", "PlatformSimulation", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "OutboundTests", dependencies: ["Outbound", "HTTP", "Format", "Platform", "PlatformSimulation", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "DiscoveryTests",
      dependencies: ["Discovery", "Outbound", "HTTP", "Format", "Model", "Platform", "PlatformSimulation", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "ScrapeTests",
      dependencies: [
        "Scrape", "Discovery", "Outbound", "Ingest", "TSDB", "HTTP", "Format", "Model", "Platform",
        "PlatformSimulation", "TestKit", "CAllocationCount",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "RulesTests",
      dependencies: [
        "Rules", "Query", "Ingest", "TSDB", "PromQL", "Format", "Model", "Platform", "PlatformSimulation", "TestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NotifyTests",
      dependencies: [
        "Notify", "Discovery", "Outbound", "HTTP", "Format", "Model", "Platform", "PlatformSimulation", "TestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "APITests",
      dependencies: [
        "API", "Workspaces", "Query", "Ingest", "TSDB", "PromQL", "HTTP", "Format", "Model", "Platform", "Scrape",
        "Rules", "Notify", "Discovery", "PlatformSimulation", "TestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "AccessTests",
      dependencies: ["Access", "HTTP", "Format", "Platform", "PlatformSimulation", "TestKit"],
      swiftSettings: strict),
    .testTarget(
      name: "ManagementTests",
      dependencies: [
        "Management", "Access", "Workspaces", "HTTP", "Format", "TSDB", "Platform",
        "PlatformSimulation", "TestKit",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ApusTests",
      dependencies: [
        "apus", "API", "Discovery", "Format", "HTTP", "Ingest", "Model", "TSDB", "TestKit", "Query", "Workspaces",
        "Outbound", "Scrape", "Rules", "Notify", "PromQL",
      ],
      swiftSettings: strict),
    .testTarget(name: "HouseTests", swiftSettings: strict),
    .testTarget(name: "SimulationTests", dependencies: ["Simulation", "TestKit"], swiftSettings: strict),
    .testTarget(name: "EndToEndTests", dependencies: ["TestKit", "Format", "HTTP", "Platform"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

// The fuzz targets want an instrumented build in a folder of their own (scripts/fuzz); ordinary builds do without. There the
// program is a library, so that its readers can be called: of two programs none can import the other.
if let kind = Context.environment["APUS_FUZZ"] {
  package.products.removeAll()
  package.targets.removeAll { $0.name == "apus" }
  package.targets += [
    .target(
      name: "apus",
      dependencies: [
        "Model", "Platform", "Format", "HTTP", "TSDB", "PromQL", "Ingest", "Query", "Workspaces", "API", "Outbound",
        "Discovery", "Scrape", "Rules", "Notify", "Access", "Management", "CShims",
      ],
      exclude: ["main.swift"], swiftSettings: strict, plugins: ["RevisionPlugin"]),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "Model", "Platform", "PlatformSimulation", "Format", "HTTP", "TSDB", "PromQL", "Ingest", "Query", "Workspaces",
        "API", "apus", "Outbound", "Discovery", "Scrape", "Rules", "Notify", "Access", "Management",
        "TestKit",
      ],
      path: "Tests/Fuzz", exclude: ["found"],
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]),
  ]
  // For the short run: targets without raw memory are not optimised, which saves a third of the time to build.
  let plain = ["PromQL", "API", "apus", "TestKit"]
  for target in package.targets where kind == "short" && plain.contains(target.name) {
    target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-Onone"])]
  }
}

// The inner loop of one part: `APUS_PARTS="DiscoveryTests" swift build --build-tests` builds these targets and what they
// need, nothing else.
if let parts = Context.environment["APUS_PARTS"] {
  var kept = Set(parts.split(separator: ",").map(String.init))
  var open = Array(kept)
  while let name = open.popLast() {
    for dependency in package.targets.first(where: { $0.name == name })?.dependencies ?? [] {
      guard case .byNameItem(let needed, _) = dependency, kept.insert(needed).inserted else { continue }
      open.append(needed)
    }
  }
  package.targets.removeAll { !kept.contains($0.name) && $0.type != .plugin }
  if !kept.contains("apus") { package.products.removeAll() }
}
