import Model
import TestKit
import Testing

@testable import Format

@Suite struct XMLReaderTests {
  private func root(_ text: String) throws(XMLError) -> XMLElement {
    try Array(text.utf8).lend { bytes throws(XMLError) in try XMLElement(bytes) }
  }

  private func reason(_ text: String) -> String? {
    do throws(XMLError) {
      _ = try root(text)
      return nil
    } catch {
      return error.reason
    }
  }

  @Test("an answer of EC2 becomes elements, lists and texts")
  func answer() throws {
    let answer = try root(
      """
      <?xml version="1.0" encoding="UTF-8"?>
      <!-- made by hand -->
      <DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
        <set><item><key>a &amp; b</key><value>&#60;x&#x3e; <![CDATA[<raw> & ]]>]</value></item>
        <item><key>c</key><value/></item></set>
        <x:nextToken a='>' b="/">t</x:nextToken >
      </DescribeInstancesResponse>

      """)
    #expect(answer.name == "DescribeInstancesResponse" && answer.text.isEmpty)
    let items = answer.items(of: "set")
    #expect(items.map { $0.text(of: "key") } == ["a & b", "c"])
    #expect(items.map { $0.text(of: "value") } == ["<x> <raw> & ]", nil])
    #expect(answer.text(of: "nextToken") == "t" && answer.items(of: "none").isEmpty)
  }

  @Test(
    "what is no XML of this kind is refused with a reason",
    arguments: [
      ("", "no element"), ("  \n", "no element"), ("x", "text outside of the root element"),
      ("<a>", "the element a does not end"), ("<a></b>", "the end of an element that is not open"),
      ("</a>", "the end of an element that is not open"), ("<a/><b/>", "a second root element"),
      ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "a document type is not taken"),
      ("<a>&b;</a>", "an unknown reference"), ("<a>&amp</a>", "a reference without an end"),
      ("<a>&#0;</a>", "an unknown reference"), ("<a>&#xd800;</a>", "an unknown reference"),
      ("<a>&#+5;</a>", "an unknown reference"), ("<a b></a>", "an attribute without a value"),
      ("<a b=c></a>", "an attribute without quotes"), ("<a b=\"c></a>", "an attribute that does not end"),
      ("<a / ></a>", "a slash within an element"), ("<>", "a name is missing"), ("<!-- a", "it does not end"),
      ("<a><![CDATA[x]]", "it does not end"), ("<a/>x", "text outside of the root element"),
    ])
  func refused(_ text: String, _ expected: String) { #expect(reason(text) == expected) }

  @Test("depth and names are bounded")
  func bounds() {
    let deep = String(repeating: "<a>", count: 64) + String(repeating: "</a>", count: 64)
    #expect(reason(deep) == nil)
    #expect(reason("<a>\(deep)</a>") == "more than 64 elements in each other")
    let name = String(repeating: "n", count: 257)
    #expect(reason("<\(name)/>") == "a name of more than 256 bytes")
    #expect(reason("<\(name.dropFirst())/>") == nil)
  }

  @Test("every cut and every changed byte is read or refused, and reading ends")
  func mutations() {
    let text = Array("<?x?><r a='b'><i>&lt;1<![CDATA[2]]></i><!--c--><j/></r>".utf8)
    let changes: [UInt8] = Array("<>&;/'\"x![-]= ".utf8) + [0, 0xff]
    for place in text.indices {
      // Nothing that is cut off is whole.
      #expect(throws: XMLError.self) {
        try Array(text[..<place]).lend { bytes throws(XMLError) in try XMLElement(bytes) }
      }
      for change in changes {
        var changed = text
        changed[place] = change
        let count = changed.lend { bytes in
          var reader = XMLReader(bytes)
          var count = 0
          while (try? reader.next()) ?? nil != nil { count += 1 }
          return count
        }
        #expect(count <= 2 * text.count)
      }
    }
  }
}
