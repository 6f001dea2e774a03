import HTTP
import Platform
import Synchronization

/// The certificates and keys of a client: read at each request, kept as files in memory until they change, so that a
/// change makes new connections. Any thread.
final class TLSMaterial: Sendable {
  /// Three texts as they were last seen, and the files that libcurl reads.
  private final class Version: Sendable {
    let texts: [String?]
    let files: [MemoryFile?]

    init(_ texts: [String?]) throws(DiskError) {
      self.texts = texts
      var files: [MemoryFile?] = []
      for (text, name) in zip(texts, ["ca", "cert", "key"]) {
        guard let text else {
          files.append(nil)
          continue
        }
        files.append(try MemoryFile(Array(text.utf8), name: name))
      }
      self.files = files
    }
  }

  private let settings: TLSSettings
  private let latest = Mutex<Version?>(nil)

  init(_ settings: TLSSettings) { self.settings = settings }

  /// True if no file has to be read.
  var isConstant: Bool {
    [settings.authority, settings.certificate, settings.key].allSatisfy { $0?.isConstant ?? true }
  }

  func options() throws(HTTPClientError) -> HTTPClientOptions.TLS {
    var tls = HTTPClientOptions.TLS()
    tls.serverName = settings.serverName
    tls.isInsecure = settings.isInsecure
    tls.versionMin = settings.versionMin.map(Self.version)
    tls.versionMax = settings.versionMax.map(Self.version)
    let texts = [try authority(), try certificate(), try key()]
    if texts.allSatisfy({ $0 == nil }) { return tls }
    let version = try version(texts)
    tls.authorityFile = version.files[0]?.path
    tls.certificateFile = version.files[1]?.path
    tls.keyFile = version.files[2]?.path
    tls.lease = version
    return tls
  }

  private func version(_ texts: [String?]) throws(HTTPClientError) -> Version {
    if let known = latest.withLock({ $0 }), known.texts == texts { return known }
    do throws(DiskError) {
      let made = try Version(texts)
      return latest.withLock { latest in
        // Another thread may have been first.
        if let latest, latest.texts == texts { return latest }
        latest = made
        return made
      }
    } catch { throw .cannotPrepare("unable to hold certificates in memory: \(error)") }
  }

  private func authority() throws(HTTPClientError) -> String? {
    guard let secret = settings.authority, !secret.isEmpty else { return nil }
    let text = try Self.read(secret, "CA cert")
    // The texts of certificates that are none are told by the handshake.
    if !text.contains("-----BEGIN") {
      throw .cannotPrepare("unable to use specified CA cert \(secret.shownPlace)")
    }
    return text
  }

  private func certificate() throws(HTTPClientError) -> String? {
    guard let secret = settings.certificate, !secret.isEmpty else { return nil }
    return try pem(Self.read(secret, "specified client cert"), "certificate")
  }

  private func key() throws(HTTPClientError) -> String? {
    guard let secret = settings.key, !secret.isEmpty else { return nil }
    return try pem(Self.read(secret, "specified client key"), "key")
  }

  private func pem(_ text: String, _ what: String) throws(HTTPClientError) -> String {
    if text.contains("-----BEGIN") { return text }
    let places = [settings.certificate, settings.key].map { $0?.shownPlace ?? "" }
    throw .cannotPrepare(
      "unable to use specified client cert (\(places[0])) & key (\(places[1])): "
        + "tls: failed to find any PEM data in \(what) input")
  }

  private static func read(_ secret: Secret, _ name: String) throws(HTTPClientError) -> String {
    do throws(SecretError) { return try secret.read() } catch {
      throw .cannotPrepare("unable to read \(name): \(error)")
    }
  }

  private static func version(_ version: TLSSettings.Version) -> HTTPClientOptions.TLS.Version {
    switch version {
    case .tls10: .tls10
    case .tls11: .tls11
    case .tls12: .tls12
    case .tls13: .tls13
    }
  }
}
