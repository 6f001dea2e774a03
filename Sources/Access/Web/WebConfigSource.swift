import HTTP
import Platform

/// A web configuration file with the certificates that it names, as they are now. Any thread; nothing waits for the disk but
/// `look`.
package final class WebConfigSource: TLSServerProvider {
  private struct Loaded: Sendable {
    var config: WebConfig
    var material: TLSServerMaterial?
  }

  private let file: WatchedValue<Loaded>
  /// Fixed at the start, as the toolkit has it.
  package let rateLimit: WebConfig.RateLimit?
  /// Fixed at the start as well: the listening socket is of one kind.
  package let isTLS: Bool

  package init(_ path: String, clock: any Clock, log: Log) throws(AccessFileError) {
    var paths: [String] = []
    let isTLS = try WebConfigSource.load(path, &paths).material != nil
    self.isTLS = isTLS
    file = try WatchedValue("web configuration file", clock: clock, log: log) { (paths) throws(AccessFileError) in
      let loaded = try WebConfigSource.load(path, &paths)
      if isTLS, loaded.material == nil {
        throw AccessFileError("\(path): TLS cannot be turned off while the server runs: start it again")
      }
      if !isTLS, loaded.material != nil {
        log.warn("TLS begins with the next start: until then connections are not encrypted", ["file": path])
      }
      return loaded
    }
    rateLimit = file.present.config.rateLimit
  }

  /// Reads a file and all that it names; returns what it says.
  package static func check(_ path: String) throws(AccessFileError) -> WebConfig {
    var paths: [String] = []
    return try load(path, &paths).config
  }

  private static func load(_ path: String, _ paths: inout [String]) throws(AccessFileError) -> Loaded {
    paths.append(path)
    let config = try WebConfigFile.read(try bytes(path), path: path)
    guard let tls = config.tls else { return Loaded(config: config, material: nil) }
    let certificates = try bytes(tls.certificate, "cert_file", &paths)
    let key = try bytes(tls.key, "key_file", &paths)
    var authorities: [UInt8]?
    if let source = tls.clientAuthority { authorities = try bytes(source, "client_ca_file", &paths) }
    do throws(TLSMaterialError) {
      let material = try TLSServerMaterial(
        certificates: certificates, key: key, clientAuthorities: authorities, tls.options)
      return Loaded(config: config, material: material)
    } catch {
      throw AccessFileError("\(path): \(error)")
    }
  }

  private static func bytes(
    _ source: WebConfig.Source, _ key: String, _ paths: inout [String]
  ) throws(AccessFileError) -> [UInt8] {
    switch source {
    case .text(let text): return Array(text.utf8)
    case .file(let path):
      paths.append(path)
      do throws(AccessFileError) {
        return try bytes(path)
      } catch {
        throw AccessFileError("failed to read \(key) (\(path)): \(error)")
      }
    }
  }

  private static func bytes(_ path: String) throws(AccessFileError) -> [UInt8] {
    try AccessFile.bytes(path, bytesMax: WebConfigFile.bytesMax)
  }

  package var present: WebConfig { file.present.config }
  package var lastReading: (isGood: Bool, milliseconds: Int64) { file.lastReading }

  package func material() -> TLSServerMaterial? { file.present.material }

  /// Reads the files again if one has changed.
  package func look() { file.look() }
}
