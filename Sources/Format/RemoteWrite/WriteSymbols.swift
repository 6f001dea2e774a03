import Model

/// One string of a 2.0 body's table, and the metadata that was last written out for the metric of this name, so that a
/// family's help is not written once for each of its series.
struct WriteSymbol: BitwiseCopyable, Sendable {
  var offset: UInt32
  var length: UInt32
  /// The metadata's type plus one; 0 where there was none yet.
  var notedKind: UInt32 = 0
  var notedHelp: UInt32 = 0
  var notedUnit: UInt32 = 0

  @inline(__always)
  func bytes(from base: UnsafeRawPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + Int(offset), count: Int(length))
  }
}

/// A part of a 2.0 body whose references lead nowhere: a whole series, which has no row then, or the metadata or an exemplar
/// of one.
package struct WriteFault: BitwiseCopyable, Sendable {
  package enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// A label refers to a symbol that is not in the table.
    case labelReference
    /// A name without a value: an odd number of references.
    case oddReferences
    /// Metadata refers to a symbol that is not in the table.
    case metadataReference
    /// An exemplar refers to a symbol that is not in the table, or to an odd number of them.
    case exemplarReference
    /// Neither samples nor histograms nor exemplars.
    case nothingInIt
  }

  package var kind: Kind
  /// The reference at fault, where it is one.
  package var reference: UInt32
  package var symbolCount: UInt32
  /// Offset of the series in the body.
  package var offset: UInt32
  package var sampleCount: UInt32
  package var histogramCount: UInt32

  package var message: String {
    switch kind {
    case .labelReference: "parsing labels: symbol reference \(reference) is beyond the \(symbolCount) symbols"
    case .oddReferences: "parsing labels: an odd number of symbol references"
    case .metadataReference: "parsing metadata: symbol reference \(reference) is beyond the \(symbolCount) symbols"
    case .exemplarReference:
      "parsing an exemplar: its symbol references are odd in number, or beyond the \(symbolCount) symbols"
    case .nothingInIt: "TimeSeries must contain at least one sample or histogram"
    }
  }
}
