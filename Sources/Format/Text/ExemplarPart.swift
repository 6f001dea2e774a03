import Model

/// One exemplar of a protobuf answer; its labels stay places in the bytes.
struct ExemplarPart {
  var value = 0.0
  /// Milliseconds; nil where it has none.
  var time: Int64?

  init(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) {
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Exemplar")
      switch number {
      case 1: _ = try LabelPart.read(bytes, try cursor.part(wire, "Label"))
      case 2: value = try cursor.double(wire, "Value")
      case 3: time = try MetricMessage.milliseconds(bytes, try cursor.part(wire, "Timestamp"))
      default: try cursor.skip(wire)
      }
    }
  }

  /// The labels of an exemplar that was read already.
  static func readLabels(
    _ bytes: LentBytes, _ range: Range<Int>, _ labels: inout ExpositionLabels
  ) throws(ExpositionError) {
    labels.removeAll()
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Exemplar")
      if number == 1 {
        let (name, value) = try LabelPart.read(bytes, try cursor.part(wire, "Label"))
        labels.append(name: bytes.part(name), value: bytes.part(value))
      } else {
        try cursor.skip(wire)
      }
    }
    labels.sort()
  }
}

/// The places of a label's name and value.
enum LabelPart {
  static func read(
    _ bytes: LentBytes, _ range: Range<Int>
  ) throws(ExpositionError) -> (name: Range<Int>, value: Range<Int>) {
    var (name, value) = (range.lowerBound..<range.lowerBound, range.lowerBound..<range.lowerBound)
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "LabelPair")
      switch number {
      case 1: name = try cursor.part(wire, "Name")
      case 2: value = try cursor.part(wire, "Value")
      default: try cursor.skip(wire)
      }
    }
    return (name, value)
  }
}
