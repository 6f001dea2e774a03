import Testing

@testable import apus

/// Secrets of the configuration are shown by nothing that is made of it: its text, its warnings, the errors about it.
@Suite struct SecretTextTests {
  private static let marker = "ZZmarkerZZ"

  /// A value of the shape that holds the marker where a secret stands; nil where there is none.
  private static func value(_ shape: Shape) -> String? {
    switch shape {
    case .secret: marker
    case .url, .address: "'http://user:\(marker)@zz'"
    case .list(let element): value(element).map { "[\($0)]" }
    case .map(let element): value(element).map { "{zz: \($0)}" }
    case .section(let schema):
      // A section that is not read is kept for printing all the same.
      schema.keys.first { $0.name.contains("secret") || $0.name.contains("password") }.flatMap { key in
        value(key.shape).map { "{\(key.name): \($0)}" }
      }
    default: nil
    }
  }

  @Test("no secret of any key is in the printed configuration, in a warning or in an error")
  func keys() {
    var (taken, refused) = (0, 0)
    for place in ServedTests.places(.root, path: "", { ServedTests.file($0) }) {
      guard let value = Self.value(place.key.shape) else { continue }
      let text = place.document(value)
      #expect(text.contains(Self.marker))
      do {
        let read = try Configuration.read(Array(text.utf8), file: "f")
        taken += 1
        #expect(!read.text.contains(Self.marker), "\(place.path)")
        #expect(!read.warnings.joined().contains(Self.marker), "\(place.path)")
      } catch {
        refused += 1
        #expect(!"\(error)".contains(Self.marker), "\(place.path): \(error)")
      }
    }
    #expect(taken > 80, "\(taken) taken, \(refused) refused")
  }

  @Test(
    "what is wrong with a secret is told without it",
    arguments: [
      "{scrape_configs: [{job_name: j, basic_auth: {password: {a: ZZmarkerZZ}}}]}",
      "{scrape_configs: [{job_name: j, bearer_token: [ZZmarkerZZ]}]}",
      "{scrape_configs: [{job_name: j, basic_auth: {password: ZZmarkerZZ, password_file: x}}]}",
      "{scrape_configs: [{job_name: j, bearer_token: ZZmarkerZZ, basic_auth: {username: u, password: ZZmarkerZZ}}]}",
      "{remote_write: [{url: 'http://u:ZZmarkerZZ@h:x/'}]}", "{remote_write: [{url: 'ftp://u:ZZmarkerZZ@h'}]}",
      "{scrape_configs: [{job_name: j, proxy_url: 'http://u:ZZmarkerZZ@%%'}]}",
      "{apus: {notify: [{name: n, slack: {api_url: 'ZZmarkerZZ'}}]}}",
      "{apus: {notify: [{name: n, webhook: {url: 'x:ZZmarkerZZ'}}]}}",
      "{alerting: {alertmanagers: [{sigv4: {secret_key: ZZmarkerZZ}}]}}",
      "{scrape_configs: [{job_name: j, ec2_sd_configs: [{secret_key: ZZmarkerZZ}]}]}",
    ])
  func mistakes(_ text: String) {
    do {
      let read = try Configuration.read(Array(text.utf8), file: "f")
      #expect(!read.text.contains(Self.marker) && !read.warnings.joined().contains(Self.marker))
    } catch { #expect(!"\(error)".contains(Self.marker), "\(error)") }
  }
}
