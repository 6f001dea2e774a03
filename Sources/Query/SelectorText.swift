import Model
import PromQL

/// The reason why a text is no selector.
package struct SelectorFault: Error, CustomStringConvertible {
  package var description: String
}

/// A PromQL selector, from its text to matchers.
package enum SelectorText {
  package static func parse(_ text: String) throws(SelectorFault) -> [Matcher] {
    do throws(ParseError) {
      return try Parser.parseSelector(text)
    } catch {
      throw SelectorFault(description: error.description)
    }
  }

  /// The matchers with their regular expressions compiled, ready to be asked.
  package static func compile(_ text: String) throws(SelectorFault) -> [CompiledMatcher] {
    var compiled: [CompiledMatcher] = []
    for matcher in try parse(text) {
      do throws(RegexError) {
        compiled.append(try CompiledMatcher(matcher))
      } catch {
        throw SelectorFault(description: error.description)
      }
    }
    return compiled
  }
}
