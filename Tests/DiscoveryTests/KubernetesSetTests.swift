import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import Discovery

/// Kubernetes as the set of discoveries runs it.
@Suite struct KubernetesSetTests {
  @Test("the set tells a job's targets, and goes on where the cluster cannot be reached at all")
  func set() throws {
    let fake = KubernetesFake()
    fake.put("/api/v1/pods", "a") { KubernetesShape.pod("a", ip: "1.1.1.1", version: $0) }
    let told = Told()
    let clock = SimulatedClock()
    let set = DiscoverySet(
      name: "scrape",
      DiscoverySurroundings(
        clock: clock, log: Log(level: .error, format: .logfmt, write: told.write), registry: MetricsRegistry(),
        userAgent: "Prometheus/3")
    ) { told.take($0) }
    defer { set.stop() }
    var pods = KubernetesDiscoveryOptions()
    pods.apiServer = fake.server.url
    // Outside a cluster there is no service account.
    set.apply([("pods", [.kubernetes(pods)]), ("inside", [.kubernetes(KubernetesDiscoveryOptions())])])
    func reaches(_ addresses: [String]) -> Bool {
      eventually(within: .seconds(20)) {
        if told.addresses("pods") == addresses { return true }
        clock.advance(milliseconds: 1_000)
        return false
      }
    }
    #expect(reaches(["1.1.1.1:80"]))
    #expect(told.waitsForLine("unable to load in-cluster configuration"))
    fake.delete("/api/v1/pods", "a")
    #expect(reaches([]))
  }
}
