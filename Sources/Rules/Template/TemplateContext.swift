import Model
import PromQL

/// All that a template can ask for. A value.
package struct TemplateContext: Sendable {
  /// `$labels`: the labels of the result, `__name__` among them.
  package var labels = Labels.empty
  /// `$value`.
  package var value = SampleValue.float(0)
  /// `$externalLabels`, `$externalURL`; the URL without a slash at its end.
  package var externalLabels = Labels.empty
  package var externalURL = ""
  /// The time of the evaluation in milliseconds: `now`, and the time of `query`.
  package var time: Int64 = 0
  /// Answers `query`: an instant query at `time`.
  package var query: @Sendable (_ expression: String, _ time: Int64) throws(QueryError) -> [VectorSample] = { _, _ in []
  }

  package init() {}
}

/// A template that cannot be read, or that fails where it is expanded: Go's words. A value.
package struct TemplateError: Error, Equatable, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}
