import Testing

@testable import Discovery

@Suite struct KubernetesWatchCourseTests {
  private static func query(_ course: KubernetesWatchCourse) -> String {
    switch course.request(seconds: 300) {
    case .list(let query, _), .watch(let query, _): query.map { "\($0)=\($1)" }.joined(separator: "&")
    }
  }

  private static func watching(_ version: String = "10") -> KubernetesWatchCourse {
    var course = KubernetesWatchCourse()
    _ = course.take(.page(version: version, next: ""), random: 0)
    return course
  }

  @Test("the first list takes any state; its pages follow each other, then it is watched")
  func pages() {
    var course = KubernetesWatchCourse()
    #expect(Self.query(course) == "limit=500&resourceVersion=0")
    #expect(course.take(.page(version: "9", next: "tok"), random: 0) == 0)
    #expect(Self.query(course) == "limit=500&continue=tok")
    #expect(course.take(.page(version: "10", next: ""), random: 0) == 0)
    #expect(Self.query(course) == "watch=1&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds=300")
  }

  @Test("a watch that ends is followed by the next from its last version")
  func watchEnds() {
    var course = Self.watching()
    #expect(course.take(.watchEnded(version: "15", milliseconds: 5), random: 0) == 0)
    #expect(course.version == "15")
    #expect(course.take(.watchEnded(version: nil, milliseconds: 300_000), random: 0) == 0)
    #expect(course.version == "15")
    // One that says nothing and ends at once does not turn in circles.
    #expect(course.take(.watchEnded(version: nil, milliseconds: 3), random: 0) == 800)
  }

  @Test("410 lists again at once, as new as the cluster is, and not in circles")
  func expired() {
    var course = Self.watching()
    #expect(course.take(.expired, random: 0) == 0)
    #expect(Self.query(course) == "limit=500")
    _ = course.take(.page(version: "20", next: ""), random: 0)
    #expect(course.take(.expired, random: 0) == 800)
    _ = course.take(.page(version: "30", next: ""), random: 0)
    _ = course.take(.watchEnded(version: "31", milliseconds: 1), random: 0)
    #expect(course.take(.expired, random: 0) == 0)
  }

  @Test("410 to a further page begins the list anew")
  func expiredPage() {
    var course = KubernetesWatchCourse()
    _ = course.take(.page(version: "9", next: "tok"), random: 0)
    #expect(course.take(.expired, random: 0) == 0)
    #expect(course.request(seconds: 1) == .list(query: [("limit", "500")], isFirst: true))
  }

  @Test("a busy server is asked the same again, after pauses of 0.8 to 30 seconds")
  func busy() {
    var course = Self.watching()
    let pauses = (0..<8).map { _ in course.take(.busy(milliseconds: nil), random: 0) }
    #expect(pauses == [800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
    #expect(course.version == "10")
    _ = course.take(.watchEnded(version: "11", milliseconds: 1), random: 0)
    #expect(course.take(.busy(milliseconds: 5_000), random: 0.5) == 5_000)
    #expect(course.take(.busy(milliseconds: 900_000), random: 0) == 30_000)
  }

  @Test("any other failure lists again after a pause")
  func failed() {
    var course = Self.watching()
    #expect(course.take(.failed, random: 1) == 1_600)
    #expect(Self.query(course) == "limit=500")
  }
}
