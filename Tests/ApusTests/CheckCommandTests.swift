import Discovery
import Model
import Scrape
import TestKit
import Testing

@testable import apus

@Suite struct CheckCommandTests {
  @Test("the parts of a URL to scrape")
  func addresses() throws {
    let whole = try #require(TargetAddress("https://host:1/a%20b/c?x=1&y=a+b%26&x=2#z"))
    #expect(whole.scheme == "https" && whole.host == "host:1" && whole.path == "/a b/c")
    let parameters = [
      ScrapeOptions.Parameter(name: "x", values: ["1", "2"]), ScrapeOptions.Parameter(name: "y", values: ["a b&"]),
    ]
    #expect(whole.parameters == parameters)
    let bare = try #require(TargetAddress("http://[::1]:9100"))
    #expect(bare.host == "[::1]:9100" && bare.path == "/" && bare.parameters == nil)
    for text in ["http:/x", "host:1", "http://", "http://user@host/"] { #expect(TargetAddress(text) == nil, "\(text)") }
  }

  @Test("targets are printed once each, before and behind relabelling, with what keeps them from being scraped")
  func discovered() throws {
    let group = TargetGroup(
      source: "0", labels: Labels([("team", "a")]),
      targets: ["kept:1", "kept:1", "dropped:1", "a/b"].map { Labels([("__address__", $0)]) })
    var options = ScrapeOptions()
    options.jobName = "j"
    options.relabelling = [RelabelRule(.drop, of: ["__address__"], regex: "dropped:.*")]
    let text = CheckDiscovery.json(of: [group], options, try Relabelling(options.relabelling))
    let entries = try #require(try JSONValue(parsing: text).array)
    #expect(entries.map { $0["discoveredLabels"]["__address__"].string } == ["kept:1", "dropped:1", "a/b"])
    #expect(entries[0]["labels"]["instance"].string == "kept:1" && entries[0]["labels"]["team"].string == "a")
    #expect(entries[1]["labels"].members?.isEmpty == true && entries[1]["error"].isNull)
    #expect(entries[2]["error"].string == "\"a/b\" is not a valid hostname")
    #expect(CheckDiscovery.json(of: [], options, .none) == "[]")
  }

  @Test("series are printed as a target would expose them")
  func series() {
    #expect(ExposedText.series(Labels([("__name__", "a:b")])) == "a:b")
    #expect(
      ExposedText.series(Labels([("__name__", "a"), ("x", "1\"\n"), ("y.z", "2")])) == "a{x=\"1\\\"\\n\",\"y.z\"=\"2\"}"
    )
    #expect(ExposedText.series(Labels([("__name__", "a b"), ("x", "1")])) == "{\"a b\",x=\"1\"}")
  }
}
