import Format

/// The texts about bytes that a request brings. Pure.
enum ManagementBlob {
  /// The sentence that begins with the field's name and says what is wrong with its bytes. Command lines that encode a
  /// file which is base64 already send it encoded twice: where that is so, it says so.
  static func objection(_ why: String, to data: [UInt8]) -> String {
    let text = "cannot be used: \(why)"
    guard !data.isEmpty, let whole = String(validating: data, as: UTF8.self) else { return text }
    let digits = String(whole.filter { !$0.isWhitespace })
    guard digits.utf8.count >= 16, Base64.decode(digits) != nil else { return text }
    return text + "; the bytes are base64 themselves, as if a file had been encoded twice: send the file as it is"
  }
}
