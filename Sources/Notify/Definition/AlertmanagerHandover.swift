import Discovery
import HTTP
import Outbound
import Platform

/// Hands definitions to one Alertmanager: its files are written, then it is told to read them. Any thread; one hand-over at a
/// time, which its owner sees to.
final class AlertmanagerHandover: Sendable {
  /// Text of an answer that is shown.
  private static let shownBytesMax = 2_000
  private static let answerBytesMax = 1 << 20

  /// The configuration of an Alertmanager whose workspace has no definition: it tells nobody.
  private static let empty = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"

  let binding: AlertmanagerBinding
  private let client: OutboundClient
  private let disk: any Disk

  init(_ binding: AlertmanagerBinding, _ surroundings: DiscoverySurroundings, disk: any Disk) {
    self.binding = binding
    self.disk = disk
    var options = HTTPClientOptions()
    options.userAgent = surroundings.userAgent
    options.responseBytesMax = Self.answerBytesMax
    client = OutboundClient(binding.client, options: options, environment: surroundings.environment)
  }

  /// Puts a definition into effect, nil being one that tells nobody. Where the Alertmanager does not take it, the files are as
  /// they were before.
  func apply(_ definition: AlertmanagerDefinition?) throws(DefinitionRefusal) {
    let before = read(binding.configFile)
    let config = Array((definition?.config ?? Self.empty).utf8)
    var templatesBefore: [(path: String, bytes: [UInt8]?)] = []
    do throws(DiskError) {
      let folder = DiskPath.parent(binding.configFile)
      for (name, text) in (definition?.templates ?? [:]).sorted(by: { $0.key < $1.key }) {
        let path = "\(folder)/\(name)"
        if path == binding.configFile { throw DiskError(operation: "write", path: path, code: 17) }
        templatesBefore.append((path, read(path)))
        try AtomicReplace.write(Array(text.utf8), to: path, on: disk)
      }
      try AtomicReplace.write(config, to: binding.configFile, on: disk)
    } catch {
      restore([(binding.configFile, before)] + templatesBefore)
      throw .failed("the Alertmanager's files could not be written: \(error)")
    }
    do throws(DefinitionRefusal) {
      try reload()
    } catch {
      restore([(binding.configFile, before)] + templatesBefore)
      if case .refused = error { try? reload() }
      throw error
    }
  }

  private func reload() throws(DefinitionRefusal) {
    var request = ClientRequest(method: "POST", url: binding.url + "/-/reload", body: [])
    request.totalMillisecondsMax = Int(max(1, binding.timeoutMilliseconds))
    let answer: ClientResponse
    do throws(HTTPClientError) {
      answer = try client.send(request)
    } catch {
      throw .failed("the Alertmanager could not be told: \(error.text(of: request))")
    }
    if answer.status / 100 == 2 { return }
    let text = String(decoding: answer.body.prefix(Self.shownBytesMax), as: UTF8.self)
      .split(whereSeparator: \.isNewline).joined(separator: " ")
    // It answers 500 to a configuration that it does not take.
    if text.contains("failed to reload config") { throw .refused("the Alertmanager does not take it: \(text)") }
    throw .failed("the Alertmanager answered the reload with \(answer.statusText): \(text)")
  }

  private func read(_ path: String) -> [UInt8]? {
    guard let file = try? disk.open(path, .read) else { return nil }
    defer { try? file.close() }
    guard let size = try? file.size() else { return nil }
    return try? file.bytes(size, at: 0)
  }

  private func restore(_ files: [(path: String, bytes: [UInt8]?)]) {
    for (path, bytes) in files {
      if let bytes {
        try? AtomicReplace.write(bytes, to: path, on: disk)
      } else {
        try? disk.removeFile(path)
      }
    }
  }
}
