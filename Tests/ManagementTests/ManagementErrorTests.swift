import Management
import Testing

struct ManagementErrorTests {
  @Test("an error has the status of its kind")
  func response() {
    #expect(ManagementError(.quotaExceeded, "too many").response.status == 402)
  }
}
