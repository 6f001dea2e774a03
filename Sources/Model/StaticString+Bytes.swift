extension StaticString {
  package func contains(_ byte: UInt8) -> Bool { withUTF8Buffer { $0.contains(byte) } }
}
