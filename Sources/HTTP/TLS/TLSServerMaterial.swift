import CShims

/// Certificate, key and authorities of a server, read once, and its terms for clients. Immutable; any thread.
package final class TLSServerMaterial: @unchecked Sendable {
  let pointer: OpaquePointer

  /// The texts are PEM.
  package init(
    certificates: [UInt8], key: [UInt8], clientAuthorities: [UInt8]? = nil, _ options: TLSServerOptions
  ) throws(TLSMaterialError) {
    var error = [CChar](repeating: 0, count: 512)
    let names: [UInt8] = options.allowedNames.reduce(into: []) { $0 += Array($1.utf8) + [0] }
    let priorities = options.priorities
    let errorCount = error.count
    let loaded = certificates.withUnsafeBytes { certificates in
      key.withUnsafeBytes { key in
        (clientAuthorities ?? []).withUnsafeBytes { authorities in
          names.withUnsafeBytes { names in
            priorities.withCString { priorities in
              var source = apus_tls_source()
              source.certificates = certificates.baseAddress?.assumingMemoryBound(to: CChar.self)
              source.certificates_size = certificates.count
              source.key = key.baseAddress?.assumingMemoryBound(to: CChar.self)
              source.key_size = key.count
              source.authorities =
                clientAuthorities == nil ? nil : authorities.baseAddress?.assumingMemoryBound(to: CChar.self)
              source.authorities_size = authorities.count
              source.priorities = priorities
              source.asks = options.clientCertificates.asks
              source.verifies = options.clientCertificates.verifies ? 1 : 0
              source.names = names.isEmpty ? nil : names.baseAddress?.assumingMemoryBound(to: CChar.self)
              source.names_size = names.count
              return error.withUnsafeMutableBufferPointer { apus_tls_load(&source, $0.baseAddress, errorCount) }
            }
          }
        }
      }
    }
    guard let loaded else {
      let text = String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw TLSMaterialError(description: text.isEmpty ? "out of memory" : text)
    }
    pointer = loaded
  }

  deinit { apus_tls_free(pointer) }
}

/// Certificates or keys that cannot be used.
package struct TLSMaterialError: Error, Sendable, Equatable, CustomStringConvertible {
  package var description: String
}

/// The source of a server's certificates: asked at the start of each connection. Any thread; never waits.
package protocol TLSServerProvider: Sendable {
  /// Nil: handshakes fail.
  func material() -> TLSServerMaterial?
}

/// The same certificates for as long as the server lives.
package struct FixedTLSMaterial: TLSServerProvider {
  private let fixed: TLSServerMaterial

  package init(_ material: TLSServerMaterial) { fixed = material }

  package func material() -> TLSServerMaterial? { fixed }
}
