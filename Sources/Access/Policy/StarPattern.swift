/// A text in which `*` stands for any run of characters; case does not count. Pure.
enum StarPattern {
  static func matches(_ pattern: String, _ text: String) -> Bool {
    let pattern = Array(pattern.lowercased().utf8)
    let text = Array(text.lowercased().utf8)
    var place = 0
    var index = 0
    var star: Int?
    var resume = 0
    while index < text.count {
      if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
        star = place
        resume = index
        place += 1
      } else if place < pattern.count, pattern[place] == text[index] {
        place += 1
        index += 1
      } else if let star {
        // One more byte for the last star.
        resume += 1
        index = resume
        place = star + 1
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
