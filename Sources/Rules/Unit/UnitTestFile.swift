import Format
import Model

/// A file of unit tests for rules, in the format of `promtool test rules`: read, nothing run yet. A value.
package struct UnitTestFile: Sendable {
  /// Patterns as written; those that are not absolute begin beside the file.
  package var ruleFiles: [String] = []
  package var intervalMilliseconds: Int64 = 60_000
  /// Groups in the order in which they are evaluated; of others the order is that of the rule files.
  package var groupOrder: [String] = []
  /// True if a float may differ from the expected one by its last bit.
  package var isFuzzy = false
  package var tests: [UnitTest] = []

  package init() {}

  /// The bounds of a file: what a person or a generator writes, with room to spare.
  package static let limits = YAMLDocument.Limits(bytesMax: 32 << 20, depthMax: 64, nodesMax: 2_000_000)

  /// `ignoresUnknownKeys`: keys that the format does not have are passed over instead of refused.
  package static func read(
    _ bytes: [UInt8], ignoresUnknownKeys: Bool = false
  ) throws(UnitTestFileError) -> UnitTestFile {
    let document: YAMLDocument
    do throws(YAMLError) {
      document = try YAMLDocument.parse(bytes, limits: limits)
    } catch {
      throw UnitTestFileError(faults: [UnitTestFileError.Fault(position: error.position, text: error.what)])
    }
    var reader = UnitTestFileReader(ignoresUnknownKeys: ignoresUnknownKeys)
    let file = reader.file(document.root)
    if !reader.faults.isEmpty { throw UnitTestFileError(faults: reader.faults) }
    return file
  }
}

/// One test of a file: series, and what rules and expressions make of them. A value.
package struct UnitTest: Sendable {
  package var name = ""
  /// The distance of the samples of a series; nil: that of the rounds.
  package var intervalMilliseconds: Int64?
  /// The time of the first round, in milliseconds.
  package var startTime: Int64 = 0
  package var externalLabels = Labels.empty
  package var externalURL = ""
  package var series: [UnitTestInput] = []
  package var alertCases: [UnitTestAlertCase] = []
  package var expressionCases: [UnitTestExpressionCase] = []
  package var position: YAMLPosition

  package init(position: YAMLPosition) { self.position = position }

  /// The time after the start that the last case asks about.
  package var lastTime: Int64 {
    max(alertCases.map(\.time).max() ?? 0, expressionCases.map(\.time).max() ?? 0)
  }
}

/// A series as a test has it. A value.
package struct UnitTestInput: Sendable {
  package var series = ""
  package var values = ""
  package var position: YAMLPosition

  package init(position: YAMLPosition) { self.position = position }
}

/// The alerts that shall fire at a time. A value.
package struct UnitTestAlertCase: Sendable {
  /// Milliseconds after the start.
  package var time: Int64 = 0
  package var alert = ""
  /// Their labels without `alertname`.
  package var expected: [ExpectedAlert] = []
  package var position: YAMLPosition

  package init(position: YAMLPosition) { self.position = position }
}

/// An alert with all of its labels and annotations. A value.
package struct ExpectedAlert: Sendable, Hashable {
  package var labels = Labels.empty
  package var annotations = Labels.empty

  package init(labels: Labels = .empty, annotations: Labels = .empty) {
    self.labels = labels
    self.annotations = annotations
  }
}

/// The answer that an expression shall have at a time. A value.
package struct UnitTestExpressionCase: Sendable {
  package struct Sample: Sendable {
    /// A metric as written: `up{job="a"}`.
    package var labels = ""
    package var value = 0.0
    /// A histogram as written; empty: the value counts.
    package var histogram = ""

    package init() {}
  }

  package var expression = ""
  /// Milliseconds after the start.
  package var time: Int64 = 0
  package var expected: [Sample] = []
  package var position: YAMLPosition

  package init(position: YAMLPosition) { self.position = position }
}

/// A file of unit tests that cannot be read, with all of its faults.
package struct UnitTestFileError: Error, Equatable, CustomStringConvertible {
  package struct Fault: Equatable, Sendable {
    package var position: YAMLPosition
    package var text: String

    package init(position: YAMLPosition, text: String) {
      self.position = position
      self.text = text
    }
  }

  package var faults: [Fault]

  package init(faults: [Fault]) { self.faults = faults }

  package var description: String { faults.map { "\($0.position): \($0.text)" }.joined(separator: "\n") }
}
