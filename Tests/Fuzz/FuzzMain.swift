// Coverage-guided fuzzing of every reader of outside bytes: `Fuzz TARGET [libFuzzer's arguments]`. Built and run by
// scripts/fuzz; ordinary builds leave this target out.
import Glibc

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ input: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The target of this process, set once before the driver starts; the driver calls from one thread.
nonisolated(unsafe) private var chosen: FuzzTarget?

/// By its name the library finds it, too; it is not called by it.
@_cdecl("LLVMFuzzerTestOneInput")
public func feed(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  chosen?.run(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
  return 0
}

private func say(_ text: String) {
  let line = Array((text + "\n").utf8)
  _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
}

/// The package manager calls an executable's entry point by its target's name.
@_cdecl("Fuzz_main")
public func start(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
  let name = count > 1 ? arguments[1].map { String(cString: $0) } ?? "" : ""
  if name == "list" {
    for target in FuzzTarget.all { print(target.name) }
    return 0
  }
  guard let target = (FuzzTarget.all + [.selfCheck]).first(where: { $0.name == name }) else {
    say("usage: Fuzz list | Fuzz TARGET [options and corpus folders of libFuzzer]; no target is named '\(name)'")
    return 2
  }
  if count == 4, let option = arguments[2], String(cString: option) == "--seeds", let folder = arguments[3] {
    return FuzzSeeds.write(target, to: String(cString: folder)) ? 0 : 1
  }
  chosen = target
  // The driver sees its own arguments only.
  arguments[1] = arguments[0]
  var rest = count - 1
  var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments + 1
  return runDriver(&rest, &pointer) { feed($0, $1) }
}
