import Testing

@testable import Notify

@Suite("Notify.Options") struct NotifyOptionsTests {
  @Test("without a configuration there is nobody to tell, and the bounds are Prometheus's") func defaults() {
    let options = NotifyOptions()
    #expect(options.alertmanagers.isEmpty)
    #expect(options.queueCapacity == 10_000)
    #expect(options.batchSize == 256)
    #expect(options.drainsAtStop)
  }
}
