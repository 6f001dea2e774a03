import Format
import Glibc
import Platform
import TestKit

/// An Apus with a credentials file that knows one principal, by key and by token.
enum GuardedServer {
  static let key = "AKIABENCH"
  static let secret = "a secret of the measurement"
  static let user = "bench"
  static let password = "pw"
  static let bearer = [("Authorization", "Bearer token")]

  /// The digest of the token, and bcrypt's of the password at the usual cost.
  private static let principals = """
    principals:
      - name: bench
        access_keys: [{id: \(key), secret: \(secret)}]
        bearer_sha256: [3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0]
        password_bcrypt: $2b$10$abcdefghijklmnopqrstuuj7m4XYqbm74SxoBcXyw8to0CQ061DVG
        statements: [{effect: Allow, actions: ["*"], workspaces: ["*"]}]
    """

  static func start(_ options: BenchOptions, in directory: TemporaryDirectory) throws -> ServerProcess {
    let file = try directory.write(principals, to: "credentials.yml")
    chmod(file, 0o600)
    return try .apus(
      data: directory.path("data"),
      options.apusFlags + ["--web.credentials-file=\(file)", "--web.health-without-credentials"],
      readyWithin: .seconds(600))
  }

  /// The headers of a write that Prometheus signs.
  static func headers(of body: [UInt8], port: UInt16, at time: String) -> [(String, String)] {
    let signing = SigV4(region: "eu-west-1", service: "aps", time: time)
    let own = RemoteWriteBody.headers.filter { $0.0 != "User-Agent" }
    let canonical = CanonicalRequest(
      method: "POST", path: "/api/v1/write", query: "",
      headers: own.map { (name: $0.0, value: $0.1) } + [("Host", "localhost:\(port)"), ("X-Amz-Date", time)],
      payloadHash: SHA256.hexDigest(of: body))
    let value = signing.authorization(canonical, accessKey: key, secretKey: secret)
    return RemoteWriteBody.headers + [("X-Amz-Date", time), ("Authorization", value)]
  }
}

/// CPU of taking in the same load unsigned and signed, by turns, each on an empty folder.
func runSigned(_ options: BenchOptions) throws {
  let workload = try options.workload(usualSeries: 200_000, usualScrapes: 40)
  var unsigned: [Double] = []
  var signed: [Double] = []
  var digests: [UInt64] = []
  for round in 0..<options.turns {
    for isSigned in round % 2 == 0 ? [false, true] : [true, false] {
      let (samples, digest) = try signedTrial(isSigned, workload, options)
      if isSigned { signed.append(samples) } else { unsigned.append(samples) }
      digests.append(digest)
      report(
        "round \(round + 1), \(isSigned ? "signed" : "unsigned"): \(FigureTable.number(samples, 0)) samples / CPU-second"
      )
    }
  }
  var table = FigureTable(title("signed", workload, options))
  for (name, figures) in [("apus", signed), ("unsigned", unsigned)] {
    table.add(
      name,
      [
        ("samples / CPU-second, median", median(figures), 0), ("least", figures.min(), 0), ("most", figures.max(), 0),
      ])
  }
  print(table.text)
  try printDigest(digests)
}

/// Samples per CPU-second of the whole server process, and what was sent.
private func signedTrial(
  _ isSigned: Bool, _ workload: Workload, _ options: BenchOptions
) throws -> (samples: Double, digest: UInt64) {
  try Interruption.check()
  let directory = try TemporaryDirectory("apus-bench-signed", in: BenchFolder.path(options))
  let server: ServerProcess =
    isSigned
    ? try GuardedServer.start(options, in: directory)
    : try .apus(data: directory.path("data"), options.apusFlags, readyWithin: .seconds(600))
  let clock = try ProcessClock(server)
  let start = clock.seconds
  var sender = LoadSender(workload: workload, connections: options.connections)
  if isSigned {
    let port = server.port
    sender.headers = { GuardedServer.headers(of: $0, port: port, at: BasicTimeText.text(nowMilliseconds())) }
  }
  let sent = try sender.send(to: server.port)
  sleepThread(.seconds(options.settleSeconds))
  let seconds = clock.seconds - start
  // A server that refuses is fast.
  let time = workload.timestamp(scrape: workload.scrapes - 1) / 1000
  let answer = try server.request(
    "GET", "/api/v1/query?query=count(\(workload.metricName(0)))&time=\(time)",
    headers: isSigned ? GuardedServer.bearer : [])
  guard answer.text.contains("\"\(workload.pods)\"]") else {
    throw Trial.Failure(description: "not all series are there: \(answer.text.prefix(300))")
  }
  _ = server.child.terminate(within: .seconds(120))
  return (Double(workload.samples) / seconds, sent.digest)
}
