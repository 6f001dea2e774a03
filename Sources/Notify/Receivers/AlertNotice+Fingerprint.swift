import Model

extension AlertNotice {
  /// The hash of the labels that Alertmanager and its receivers know an alert by: FNV-1a with 64 bits.
  var fingerprint: UInt64 {
    var hash: UInt64 = 14_695_981_039_346_656_037
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
    for (name, value) in labels.pairs {
      name.utf8.forEach(add)
      add(255)
      value.utf8.forEach(add)
      add(255)
    }
    return hash
  }

  /// Sixteen hexadecimal digits.
  static func text(ofFingerprint fingerprint: UInt64) -> String {
    let digits = String(fingerprint, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// True if the alert fires at this moment.
  func fires(at milliseconds: Int64) -> Bool { !isResolved && endsAt > milliseconds }
}
