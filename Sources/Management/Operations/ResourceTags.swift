/// The tags of a resource as a request gives them, and the rules they have to keep. Pure.
package enum ResourceTags {
  /// The member `tags` of the body; empty where it is missing.
  package static func read(_ request: ManagementRequest) throws(ManagementError) -> [String: String] {
    guard let value = request.member("tags") else { return [:] }
    guard case .object(let members) = value else { throw .invalid("tags", "must be an object") }
    var tags: [String: String] = [:]
    for member in members {
      guard let text = member.value.text else { throw .invalid("tags", "must have strings as values") }
      try check(key: member.name)
      _ = try ManagementRequest.checked(text, "tags", WorkspaceLimits.tagValueLengths)
      if !text.unicodeScalars.allSatisfy(isAllowed) { throw unallowed("a value") }
      tags[member.name] = text
    }
    try check(count: tags.count)
    return tags
  }

  package static func check(count: Int) throws(ManagementError) {
    if count > WorkspaceLimits.tagsMax {
      throw .invalid("tags", "may be \(WorkspaceLimits.tagsMax), these would be \(count)")
    }
  }

  private static func check(key: String) throws(ManagementError) {
    _ = try ManagementRequest.checked(key, "tags", WorkspaceLimits.tagKeyLengths)
    if key.lowercased().hasPrefix("aws:") { throw .invalid("tags", "may have no key that begins with aws:") }
    if !key.unicodeScalars.allSatisfy(isAllowed) { throw unallowed("a key") }
  }

  private static func unallowed(_ place: String) -> ManagementError {
    .invalid("tags", "may have letters, digits, blanks and _.:/=+-@ only; \(place) has others")
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar.properties.isWhitespace
      || "_.:/=+-@".unicodeScalars.contains(scalar)
  }
}
