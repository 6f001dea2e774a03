import Model

/// An exemplar as a query returns it: a sample of its own with labels that lead elsewhere, to a trace most often.
package struct Exemplar: Sendable, Equatable {
  package var labels: Labels
  package var time: Int64
  /// Bits of the value, whatever kind of NaN it is.
  package var value: UInt64

  package init(labels: Labels, time: Int64, value: UInt64) {
    self.labels = labels
    self.time = time
    self.value = value
  }
}

/// The exemplars of one series, oldest first.
package struct SeriesExemplars: Sendable, Equatable {
  package var labels: Labels
  package var exemplars: [Exemplar]
}

/// An exemplar on its way into the head. The labels are packed, and somebody else's bytes.
package struct NewExemplar {
  package var labels: UnsafeRawBufferPointer
  package var time: Int64
  package var value: UInt64

  package init(labels: UnsafeRawBufferPointer, time: Int64, value: UInt64) {
    self.labels = labels
    self.time = time
    self.value = value
  }

  /// Characters that names and values may have together: what OpenMetrics allows and Prometheus demands.
  package static let charactersMax = 128

  /// Bytes of the packed form that so many characters can have: four each, and two bytes of length for each part of
  /// at least one.
  package static let packedBytesMax = 4 * charactersMax + 2 * charactersMax

  /// The reason why the labels cannot be kept; nil if they can. They must be packed labels.
  package var fault: ExemplarOutcome? {
    if labels.count > NewExemplar.packedBytesMax { return .tooLong }
    var characters = 0
    var reader = LabelReader(labels)
    while let label = reader.next() {
      guard UTF8Text.isValid(label.name), UTF8Text.isValid(label.value) else { return .invalid }
      characters += NewExemplar.characters(of: label.name) + NewExemplar.characters(of: label.value)
    }
    return characters > NewExemplar.charactersMax ? .tooLong : nil
  }

  /// Every byte but those that continue a character.
  private static func characters(of text: UnsafeRawBufferPointer) -> Int {
    var count = 0
    for byte in text where byte & 0xc0 != 0x80 { count += 1 }
    return count
  }
}

/// The outcome of appending an exemplar.
package enum ExemplarOutcome: Sendable, Equatable {
  case stored
  /// It is there already.
  case duplicate
  /// Older than the last one of its series and than late samples may be, or too far among its series' others.
  case outOfOrder
  /// Names and values of its labels are longer than `NewExemplar.charactersMax`.
  case tooLong
  /// Labels that are not UTF-8, or one of them twice.
  case invalid
  case tooFarInFuture
  /// Its series is not in the head: exemplars make none.
  case noSeries
  /// Exemplars are not kept.
  case disabled
  case exhausted

  package var isStored: Bool { self == .stored || self == .duplicate }
}
