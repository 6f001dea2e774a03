import Model
import PromQL

/// Why a text is no selector.
package struct SelectorFault: Error, CustomStringConvertible {
  package var description: String
}

/// A PromQL selector, from its text to matchers that can be asked.
package enum SelectorText {
  package static func compile(_ text: String) throws(SelectorFault) -> [CompiledMatcher] {
    var matchers: [Matcher] = []
    do throws(ParseError) {
      matchers = try Parser.parseSelector(text)
    } catch {
      throw SelectorFault(description: "\(error)")
    }
    var compiled: [CompiledMatcher] = []
    for matcher in matchers {
      do throws(RegexError) {
        compiled.append(try CompiledMatcher(matcher))
      } catch {
        throw SelectorFault(description: "\(error)")
      }
    }
    return compiled
  }
}
