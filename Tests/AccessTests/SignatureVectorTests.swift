import Access
import Format
import HTTP
import Testing

struct SignatureVectorTests {
  private func headers(_ signature: String, _ names: String = "host;x-amz-date") -> SignedExchange.Headers {
    [
      ("Host", "apus:9090"), ("X-Amz-Date", "20260101T000000Z"),
      (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/aps/aws4_request, SignedHeaders=\(names), "
          + "Signature=\(signature)"
      ),
    ]
  }

  @Test(
    "signatures that the clients of the service make are right",
    arguments: [
      ("/workspaces/ws-1/api/v1/query?query=up", "b5ad5a0ee243423da9f296dfd249be9359f0416b41bc2c036b96eae6ab535d75"),
      (
        "/workspaces/ws-1/api/v1/series?match%5B%5D=up&match%5B%5D=%7Bjob%3D%22x%22%7D",
        "7d3bfb863821553dc238b6e3310886fa9a9bfd83ffbb7866c770d6a0b73e6a15"
      ),
      (
        "/workspaces/ws-1/api/v1/series?match%5B%5D=up&match%5B%5D=%7Bjob%3D%22x%22%7D",
        "6cb5fad82aa619ec5d47a6801415602b4d654e4cc1c7c94ea399f714d0afa4f9"
      ),
      (
        "/tags/arn%3Aaws%3Aaps%3Aus-east-1%3A123456789012%3Aworkspace%2Fws-1",
        "5cf854083fa6ee48693b9b582bcf60d548a46660b3e4eda0cadf7e1d445efd75"
      ),
    ])
  func vectors(target: String, signature: String) {
    #expect(SignedExchange().verdict(.get, target, headers(signature)) == "right")
    let other = signature.hasSuffix("0") ? signature.dropLast() + "1" : signature.dropLast() + "0"
    #expect(SignedExchange().verdict(.get, target, headers(String(other))) != "right")
  }

  @Test("a signed write, as Prometheus sends it")
  func write() {
    let fields: SignedExchange.Headers =
      headers(
        "784bc9adc0a9840d16615e2b261dcb53a93d26f61b8ba7ffb2550dd080b46b65",
        "content-encoding;content-type;host;x-amz-date;x-prometheus-remote-write-version") + [
        ("Content-Encoding", "snappy"), ("Content-Type", "application/x-protobuf"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
      ]
    let target = "/workspaces/ws-1/api/v1/remote_write"
    #expect(SignedExchange().verdict(.post, target, fields, body: Array("abc".utf8)) == "right")
    #expect(SignedExchange().verdict(.post, target, fields, body: Array("abd".utf8)) != "right")
  }

  @Test("hashes of the processor's own instructions are those of the portable loop")
  func hashes() {
    for count in [0, 1, 55, 56, 63, 64, 65, 127, 128, 1000, 100_000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      var hash = SHA256()
      for start in stride(from: 0, to: count, by: 777) {
        Array(bytes[start..<min(start + 777, count)]).lend { hash.update($0) }
      }
      #expect(SHA256.hex(hash.digest()) == SHA256.hexDigest(of: bytes))
    }
    #expect(
      SHA256.hexDigest(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
