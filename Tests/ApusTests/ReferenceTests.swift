import TestKit
import Testing

@testable import apus

#if canImport(Glibc)
  import Glibc
#endif

@Suite("The reference in docs/configuration.md")
struct ReferenceTests {
  @Test("each generated part stands in the page as the program prints it")
  func parts() throws {
    let page = try repositoryFile("docs/configuration.md")
    for part in Reference.parts {
      let wanted = "<!-- generated: \(part.name) -->\n\(part.text)\n<!-- end -->\n"
      #expect(page.contains(wanted), "\(part.name) differs: run scripts/reference")
    }
    #expect(page.split(separator: "<!-- generated: ").count == Reference.parts.count + 1)
  }

  @Test("every flag, feature, section and key of ours that has an effect is in a part")
  func complete() {
    let text = Reference.text
    for flag in FlagTable.rows { #expect(text.contains("`--\(flag.name)`"), "\(flag.name)") }
    for feature in FeatureTable.rows { #expect(text.contains("`\(feature.name)`"), "\(feature.name)") }
    for key in Schema.root.keys where key.name != "apus" { #expect(text.contains("| `\(key.name)` |"), "\(key.name)") }
    let keys = [
      "apus.limits.max_active_series", "apus.ha.failover_timeout", "apus.retention_rules[].selector",
      "apus.rename[].keep", "apus.workspaces[].id", "apus.workspaces[].retention_rules",
      "apus.workspaces[].retention.size",
      "apus.create_workspaces_on_write",
    ]
    for key in keys { #expect(text.contains("| `\(key)` |"), "\(key)") }
  }

  @Test("scripts/reference puts the parts in, leaves the rest alone, and names a part that is not there")
  func script() throws {
    let directory = try TemporaryDirectory("apus-reference")
    func run(_ page: String) throws -> (exit: ChildProcess.Exit?, page: String, said: String) {
      for folder in ["scripts", "docs"] { mkdir(directory.path(folder), 0o755) }
      try directory.write(page, to: "docs/configuration.md")
      let script = try directory.write(try repositoryFile("scripts/reference"), to: "scripts/reference")
      let program = try directory.write(
        "#!/bin/sh\nprintf '<!-- generated: a b -->\\none & two\\n<!-- end -->\\n<!-- generated: c -->\\n3\\n<!-- end -->\\n'\n",
        to: "apus")
      #expect(try ChildProcess("/bin/chmod", ["+x", program]).wait(within: .seconds(20)) == .code(0))
      let child = try ChildProcess(
        "/bin/bash", [script], environment: ["PATH": "/usr/bin:/bin", "APUS_BINARY": program])
      let exit = child.wait(within: .seconds(20))
      return (exit, try fileText(directory.path("docs/configuration.md")), child.standardError.complete())
    }
    let page = "x\n<!-- generated: c -->\nold\n<!-- end -->\ny\n<!-- generated: a b -->\n<!-- end -->\n"
    let written =
      "x\n<!-- generated: c -->\n3\n<!-- end -->\ny\n<!-- generated: a b -->\none & two\n<!-- end -->\n"
    var result = try run(page)
    #expect(result.exit == .code(0) && result.page == written, "\(result)")
    result = try run(written)
    #expect(result.page == written)
    result = try run("<!-- generated: d -->\n<!-- end -->\n")
    #expect(result.exit == .code(1) && result.said.contains("there is no part <!-- generated: d -->"), "\(result)")
    #expect(result.page == "<!-- generated: d -->\n<!-- end -->\n")
  }
}
