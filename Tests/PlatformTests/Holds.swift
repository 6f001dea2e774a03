/// What a test with very many small claims throws at the first that is false; `#require` would cost more than the claims.
struct Falsified: Error, CustomStringConvertible {
  var description: String
}

func hold(_ claim: Bool, _ context: @autoclosure () -> String) throws(Falsified) {
  if !claim { throw Falsified(description: context()) }
}

func held<Value>(_ value: Value?, _ context: @autoclosure () -> String) throws(Falsified) -> Value {
  guard let value else { throw Falsified(description: context()) }
  return value
}
