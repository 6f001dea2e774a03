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
  private let files: HandedTemplates
  private let log: Log

  init(_ binding: AlertmanagerBinding, _ surroundings: DiscoverySurroundings, disk: any Disk) {
    self.binding = binding
    files = HandedTemplates(beside: binding.configFile, on: disk)
    log = surroundings.log
    var options = HTTPClientOptions()
    options.userAgent = surroundings.userAgent
    options.responseBytesMax = Self.answerBytesMax
    client = OutboundClient(binding.client, options: options, environment: surroundings.environment)
  }

  /// Puts a definition into effect, nil being one that tells nobody. Where the Alertmanager does not take it, the files are as
  /// they were before.
  func apply(_ definition: AlertmanagerDefinition?) throws(DefinitionRefusal) {
    let templates = definition?.templates ?? [:]
    let before = try state(before: templates)
    do throws(DiskError) {
      // The list comes first: a crash leaves no file behind that nobody knows of.
      try files.list(before.names.union(templates.keys))
      for (name, text) in templates.sorted(by: { $0.key < $1.key }) {
        try files.put(Array(text.utf8), at: files.path(name))
      }
      try files.put(Array((definition?.config ?? Self.empty).utf8), at: binding.configFile)
    } catch {
      restore(before)
      throw .failed("the Alertmanager's files could not be written: \(error)")
    }
    do throws(DefinitionRefusal) {
      try reload()
    } catch {
      restore(before)
      if case .refused = error { try? reload() }
      throw error
    }
    do throws(DiskError) {
      for name in before.names.subtracting(templates.keys) { try files.put(nil, at: files.path(name)) }
      try files.list(Set(templates.keys))
    } catch {
      log.warn(
        "Templates that a definition had before were not removed; its next change tries again",
        ["workspace": binding.workspace, "err": "\(error)"])
    }
  }

  /// Files as they were.
  private struct State {
    var names: Set<String> = []
    var files: [(path: String, bytes: [UInt8]?)] = []
  }

  /// The files that a change concerns; an error where it must not concern them.
  private func state(before templates: [String: String]) throws(DefinitionRefusal) -> State {
    var state = State()
    var objection: String?
    do throws(DiskError) {
      state.names = try files.names()
      for name in templates.keys.sorted() where objection == nil {
        objection = try files.objection(to: name, known: state.names)
      }
      if objection == nil {
        let paths = state.names.union(templates.keys).sorted().map(files.path) + [binding.configFile]
        for path in paths { state.files.append((path, try files.bytes(at: path))) }
      }
    } catch {
      throw .failed("the Alertmanager's files could not be read: \(error)")
    }
    if let objection { throw .refused(objection) }
    return state
  }

  private func restore(_ state: State) {
    do throws(DiskError) {
      for (path, bytes) in state.files { try files.put(bytes, at: path) }
      try files.list(state.names)
    } catch {
      log.error(
        "The files of an Alertmanager could not be brought back to what they were before a definition that it did not take",
        ["workspace": binding.workspace, "err": "\(error)"])
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
}
