import Access
import HTTP
import Testing

struct AccessRefusalTests {
  @Test("a refusal is told in the body and in the header")
  func response() {
    let refusal = AccessRefusal(.policy, type: "AccessDeniedException", "not \"you\"")
    #expect(refusal.response.status == 403)
    #expect(refusal.response.headers.contains { $0.name == "x-amzn-ErrorType" && $0.value == "AccessDeniedException" })
  }
}
