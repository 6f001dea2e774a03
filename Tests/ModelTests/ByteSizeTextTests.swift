import Model
import Testing

@Suite("Sizes as text")
struct ByteSizeTextTests {
  @Test(
    "a size reads in powers of two and prints in its largest units",
    arguments: [
      ("0", 0, "0B"), ("0B", 0, "0B"), ("1B", 1, "1B"), ("1KB", 1024, "1KiB"), ("1KiB", 1024, "1KiB"),
      ("512MB", 536_870_912, "512MiB"), ("10GiB", 10_737_418_240, "10GiB"), ("1TB", 1_099_511_627_776, "1TiB"),
      ("1PB", 1_125_899_906_842_624, "1PiB"), ("7EB", 8_070_450_532_247_928_832, "7EiB"),
      ("1.5GB", 1_610_612_736, "1GiB512MiB"), (".5KB", 512, "512B"), ("1.KB", 1024, "1KiB"),
      ("1GiB512MiB", 1_610_612_736, "1GiB512MiB"), ("1536B", 1536, "1KiB512B"), ("+1KB", 1024, "1KiB"),
      ("-1KB", -1024, "-1KiB"), ("-0", 0, "0B"), ("1025MB", 1_074_790_400, "1GiB1MiB"),
    ] as [(String, Int64, String)])
  func readsAndPrints(text: String, bytes: Int64, printed: String) {
    #expect(ByteSizeText.parse(text) == bytes)
    #expect(ByteSizeText.format(bytes) == printed)
    #expect(ByteSizeText.parse(printed) == bytes)
  }

  @Test(
    "what is no size is refused",
    arguments: [
      "", "+", "-", "1", "10", "KB", "B", ".B", "1kB", "1kb", "1 KB", "1KB ", "1K", "1Ki", "1KiB1MB", "1MB1MiB", "8EB",
      "1.2.3KB", "1e3KB", "0x10B", "9999999999999999999B", "１KB", "1XB", "--1KB",
    ])
  func refuses(text: String) {
    #expect(ByteSizeText.parse(text) == nil)
  }
}
