import Format
import Testing

@Suite("YAML scalars")
struct YAMLScalarTests {
  @Test(
    "a plain scalar is an integer where YAML 1.1 says so",
    arguments: [
      ("0", 0), ("-1", -1), ("+7", 7), ("1_000", 1000), ("0x1F", 31), ("-0x10", -16), ("0b101", 5), ("017", 15),
      ("0o17", 15), ("08", 8), ("1e3", 1000), ("2.0", 2), ("9223372036854775807", Int64.max),
      ("-9223372036854775808", Int64.min),
    ] as [(String, Int64)])
  func integers(text: String, value: Int64) {
    #expect(YAMLScalar(text).integer == value)
    #expect(YAMLScalar(text, isPlain: false).integer == nil)
  }

  @Test(
    "what is no integer is none",
    arguments: [
      "", "x", "1.5", "1x", "--1", "+-1", "0x", "0x-1", "0b2", "9223372036854775808", "1e400", ".", "-", "e3", "nan",
      "inf", "0x1p3", " 1", "1 ",
    ])
  func noIntegers(text: String) { #expect(YAMLScalar(text).integer == nil) }

  @Test(
    "a plain scalar is a number where YAML 1.1 says so",
    arguments: [
      ("1", 1), ("1.5", 1.5), (".5", 0.5), ("-.5", -0.5), ("1.", 1), ("1e-3", 0.001), ("1_0.5", 10.5), ("0x10", 16),
      (".inf", Double.infinity), ("-.INF", -Double.infinity),
    ] as [(String, Double)])
  func floats(text: String, value: Double) { #expect(YAMLScalar(text).float == value) }

  @Test("words are booleans and nulls only without quotes")
  func words() {
    for text in ["true", "Yes", "ON", "y"] { #expect(YAMLScalar(text).boolean == true) }
    for text in ["false", "No", "off", "N"] { #expect(YAMLScalar(text).boolean == false) }
    for text in ["tRue", "1", "", "yess"] { #expect(YAMLScalar(text).boolean == nil) }
    #expect(YAMLScalar("true", isPlain: false).boolean == nil)
    for text in ["", "~", "null", "NULL"] {
      #expect(YAMLScalar(text).isNull)
      #expect(!YAMLScalar(text, isPlain: false).isNull)
    }
    #expect(YAMLScalar(".nan").float?.isNaN == true)
    #expect(YAMLScalar("infinity").float == nil)
  }
}
