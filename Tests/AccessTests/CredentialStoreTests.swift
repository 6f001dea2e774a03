import Access
import Glibc
import Platform
import TestKit
import Testing

struct CredentialStoreTests {
  @Test("a secret's file that comes later is noticed; until then the last good file is in force; others may not read")
  func lateSecret() throws {
    let directory = try TemporaryDirectory("apus-access")
    func write(_ text: String, to name: String) throws {
      let path = try directory.write(text, to: name)
      chmod(path, 0o600)
    }
    try write("principals: [{name: a, access_keys: [{id: A, secret: s}]}]", to: "c.yml")
    let log = Log(level: .error, format: .logfmt) { _ in }
    let store = try CredentialStore(directory.path("c.yml"), clock: SystemClock(), log: log)
    #expect(store.accessKey("A")?.secret == "s")
    try write("principals: [{name: a, access_keys: [{id: B, secret_file: key}]}]", to: "c.yml")
    store.look()
    #expect(store.accessKey("A")?.secret == "s" && store.accessKey("B") == nil && !store.lastReading.isGood)
    try write("t\n", to: "key")
    store.look()
    #expect(store.accessKey("A") == nil && store.accessKey("B")?.secret == "t" && store.lastReading.isGood)
    chmod(directory.path("key"), 0o644)
    store.look()
    #expect(store.accessKey("B")?.secret == "t" && !store.lastReading.isGood)
  }
}
