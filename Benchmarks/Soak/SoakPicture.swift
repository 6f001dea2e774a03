import TestKit

/// What a soak looked like, moment by moment, and its drawing as SVG: a panel for each figure. A plain value.
struct SoakPicture {
  struct Moment {
    var seconds: Double
    var residentMegabytes: Double
    var descriptors: Double
    var threads: Double
    var writeMilliseconds: Double
    var queryMilliseconds: Double
    var dataMegabytes: Double
  }

  var moments: [Moment] = []

  private static let panels: [(title: String, value: KeyPath<Moment, Double> & Sendable)] = [
    ("resident memory, MiB", \.residentMegabytes), ("open descriptors", \.descriptors), ("threads", \.threads),
    ("longest write of the second, ms", \.writeMilliseconds), ("longest query of the second, ms", \.queryMilliseconds),
    ("data directory, MiB", \.dataMegabytes),
  ]
  private static let width = 900.0
  private static let height = 130.0
  private static let margin = 60.0

  var svg: String {
    let end = max(moments.last?.seconds ?? 1, 1)
    var text =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Int(Self.width))\" "
      + "height=\"\(Int(Self.height) * Self.panels.count)\" font-family=\"sans-serif\" font-size=\"11\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    for (number, panel) in Self.panels.enumerated() {
      let top = Double(number) * Self.height + 18
      let bottom = top + Self.height - 36
      let most = max(moments.map { $0[keyPath: panel.value] }.max() ?? 1, 1)
      let points = moments.map { moment in
        let x = Self.margin + moment.seconds / end * (Self.width - Self.margin - 20)
        let y = bottom - moment[keyPath: panel.value] / most * (bottom - top)
        return "\(Int(x)),\(Int(y))"
      }
      text +=
        "<text x=\"\(Int(Self.margin))\" y=\"\(Int(top) - 5)\">\(panel.title)</text>"
        + "<text x=\"4\" y=\"\(Int(top) + 8)\">\(FigureTable.number(most, 0))</text>"
        + "<text x=\"4\" y=\"\(Int(bottom))\">0</text>"
        + "<line x1=\"\(Int(Self.margin))\" y1=\"\(Int(bottom))\" x2=\"\(Int(Self.width) - 20)\" y2=\"\(Int(bottom))\" stroke=\"#bbb\"/>"
        + "<polyline fill=\"none\" stroke=\"#2060c0\" points=\"\(points.joined(separator: " "))\"/>\n"
    }
    return text + "</svg>\n"
  }

  /// The mean of a figure over a part of the run, given as shares of it.
  func mean(_ value: KeyPath<Moment, Double>, _ from: Double, _ to: Double) -> Double {
    let part = moments[Int(Double(moments.count) * from)..<Int(Double(moments.count) * to)]
    return part.isEmpty ? 0 : part.reduce(0) { $0 + $1[keyPath: value] } / Double(part.count)
  }
}
