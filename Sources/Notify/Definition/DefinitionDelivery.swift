import Discovery
import Model
import Platform

/// Puts the alert manager definitions of workspaces into effect: by an Alertmanager, where the configuration names one for the
/// workspace, or else by receivers of this server's own. Any thread.
package final class DefinitionDelivery: Sendable {
  private struct State: Sendable {
    var handovers: [String: AlertmanagerHandover] = [:]
    /// Nil before the configuration is known: until then nothing is put into effect.
    var allowsPrivate: Bool?
    /// Stored definitions, by workspace.
    var definitions: [String: [UInt8]] = [:]
    /// Workspaces whose definition is not in effect, and why.
    var pending: [String: String] = [:]
  }

  /// Time between two attempts to hand over what an Alertmanager was not there for.
  private static let retryMilliseconds: Int64 = 30_000

  private let notifier: Notifier
  private let surroundings: DiscoverySurroundings
  private let disk: any Disk
  private let state = Monitor(State())
  /// One change at a time.
  private let changing = Monitor(())
  private let retrying = Monitor<PeriodicTask?>(nil)

  package init(_ notifier: Notifier, _ surroundings: DiscoverySurroundings, disk: any Disk) {
    self.notifier = notifier
    self.surroundings = surroundings
    self.disk = disk
    let state = state
    surroundings.registry.collect(
      "apus_alertmanager_definition_in_effect",
      "Whether the alert manager definition of a workspace is in effect.", .gauge
    ) {
      state.withLock { state in
        state.definitions.keys.sorted().map { ([("workspace", $0)], state.pending[$0] == nil ? 1 : 0) }
      }
    }
  }

  /// Takes over what the configuration says; definitions that are concerned are put into effect anew.
  package func reconfigure(_ bindings: [AlertmanagerBinding], allowsPrivate: Bool) {
    changing.withLock { _ in
      let (before, isSame) = state.withLock { ($0, $0.allowsPrivate == allowsPrivate) }
      var handovers: [String: AlertmanagerHandover] = [:]
      for binding in bindings where !binding.configFile.isEmpty {
        let known = before.handovers[binding.workspace]
        handovers[binding.workspace] =
          known?.binding == binding ? known : AlertmanagerHandover(binding, surroundings, disk: disk)
      }
      let present = handovers
      state.withLock { state in
        state.handovers = present
        state.allowsPrivate = allowsPrivate
      }
      for (workspace, definition) in before.definitions
      where !isSame || before.handovers[workspace] !== present[workspace] {
        again(workspace, definition)
      }
    }
  }

  /// Notes the definition that an earlier run has stored; `reconfigure` puts it into effect. One whose Alertmanager is not
  /// there is tried again later.
  package func restore(_ definition: [UInt8], of workspace: String) {
    state.withLock { state in
      state.definitions[workspace] = definition
      state.pending[workspace] = "the server is starting"
    }
  }

  /// Takes a workspace that has been deleted out.
  package func forget(_ workspace: String) {
    changing.withLock { _ in
      let handover = state.withLock { state -> AlertmanagerHandover? in
        guard state.definitions.removeValue(forKey: workspace) != nil else { return nil }
        state.pending[workspace] = nil
        return state.handovers[workspace]
      }
      notifier.setReceivers([], of: workspace)
      do throws(DefinitionRefusal) { try handover?.apply(nil) } catch {
        surroundings.log.error(
          "The Alertmanager of a deleted workspace keeps its definition", ["workspace": workspace, "err": "\(error)"])
      }
    }
  }

  /// Replaces the definition of a workspace, nil being none.
  package func change(_ definition: [UInt8]?, of workspace: String) throws(DefinitionRefusal) {
    try changing.withLock { (_) throws(DefinitionRefusal) in
      if state.withLock({ $0.allowsPrivate == nil }) { throw .failed("the server is starting") }
      try apply(definition, of: workspace)
      state.withLock { state in
        state.definitions[workspace] = definition
        state.pending[workspace] = nil
      }
    }
  }

  /// The reason why the stored definition of a workspace is not in effect; nil where it is.
  package func fault(of workspace: String) -> String? { state.withLock { $0.pending[workspace] } }

  package func stop() { retrying.withLock { $0.take() }?.stop() }

  // MARK: Effect

  private func apply(_ bytes: [UInt8]?, of workspace: String) throws(DefinitionRefusal) {
    let (handover, allowsPrivate) = state.withLock { ($0.handovers[workspace], $0.allowsPrivate) }
    var receivers: [ReceiverOptions] = []
    var definition: AlertmanagerDefinition?
    do throws(DefinitionError) {
      if let bytes {
        let read = try AlertmanagerDefinition(bytes)
        definition = read
        if handover == nil {
          receivers = try DefinitionReceivers(read, of: workspace, allowsPrivate: allowsPrivate ?? false).receivers
        }
      }
    } catch {
      throw .refused("\(error)")
    }
    try handover?.apply(definition)
    notifier.setReceivers(receivers, of: workspace)
  }

  /// Tries to put into effect what is stored; a failure is told and tried again.
  private func again(_ workspace: String, _ definition: [UInt8]) {
    do throws(DefinitionRefusal) {
      try apply(definition, of: workspace)
      let wasPending = state.withLock { $0.pending.removeValue(forKey: workspace) != nil }
      if wasPending { surroundings.log.info("The alert manager definition is in effect", ["workspace": workspace]) }
    } catch {
      let text = "\(error)"
      let isNews = state.withLock { $0.pending.updateValue(text, forKey: workspace) != text }
      if isNews {
        surroundings.log.error(
          "The alert manager definition of a workspace is not in effect; it is tried again",
          ["workspace": workspace, "err": text])
      }
      startRetrying()
    }
  }

  private func startRetrying() {
    retrying.withLock { task in
      if task != nil { return }
      // Without a thread the next change or reload tries.
      task = try? PeriodicTask(name: "definitions", intervalMilliseconds: Self.retryMilliseconds) { [weak self] in
        self?.retry()
      }
    }
  }

  private func retry() {
    changing.withLock { _ in
      let state = state.withLock { $0 }
      for workspace in state.pending.keys {
        if let definition = state.definitions[workspace] { again(workspace, definition) }
      }
    }
  }
}
