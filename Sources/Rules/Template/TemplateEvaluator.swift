import Model
import PromQL

/// Expands a tree over the data of one alert, by the rules of Go's text/template. Used once.
struct TemplateEvaluator {
  /// The way on from a node.
  enum Flow { case on, breakLoop, continueLoop }

  struct Variable {
    var name: String
    var value: TemplateValue
  }

  let title: String
  let text: [UInt8]
  let trees: [String: TemplateNode]
  let context: TemplateContext
  let limits: TemplateLimits

  var output: [UInt8] = []
  /// The tree that is expanded, and the node of it, for errors.
  private var treeName: String
  private var node: TemplateNode?
  private var variables: [Variable] = []
  private var depth = 0
  private var steps = 0
  private var madeBytes = 0
  private var queries = 0
  private var foundBytes = 0
  /// The first argument of the call, as it is written.
  var callee: String?
  var regexes: [[UInt8]: TemplateRegex] = [:]

  init(
    title: String, text: [UInt8], trees: [String: TemplateNode], context: TemplateContext, limits: TemplateLimits
  ) {
    self.title = title
    self.text = text
    self.trees = trees
    self.context = context
    self.limits = limits
    treeName = title
    variables = [Variable(name: "$", value: .root)]
  }

  // MARK: walking

  mutating func walk(_ dot: TemplateValue, _ node: TemplateNode) throws(TemplateError) -> Flow {
    at(node)
    try step()
    switch node.kind {
    case .list(let nodes): return try walk(dot, nodes)
    case .text(let bytes): try write(bytes)
    case .action(let pipe):
      let value = try evaluate(pipe: pipe, dot)
      if case .pipe(let pipe) = pipe.kind, pipe.variables.isEmpty {
        at(node)
        try write(value)
      }
    case .branch(let branch) where branch.word == .range: return try walkRange(dot, node, branch)
    case .branch(let branch): return try walkBranch(dot, branch)
    case .template(let name, let pipe): try walkTemplate(dot, node, name, pipe)
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    default: throw failure("unknown node: \(node.shown)")
    }
    return .on
  }

  mutating func walk(_ dot: TemplateValue, _ nodes: some Sequence<TemplateNode>) throws(TemplateError) -> Flow {
    for child in nodes {
      let flow = try walk(dot, child)
      if flow != .on { return flow }
    }
    return .on
  }

  private mutating func walkBranch(
    _ dot: TemplateValue, _ branch: TemplateNode.Branch
  ) throws(TemplateError) -> Flow {
    try enter()
    defer { depth -= 1 }
    let mark = variables.count
    defer { drop(to: mark) }
    let value = try evaluate(pipe: branch.pipe, dot)
    if value.isTrue { return try walk(branch.word == .with ? value : dot, branch.list) }
    if let elseList = branch.elseList { return try walk(dot, elseList) }
    return .on
  }

  private mutating func walkRange(
    _ dot: TemplateValue, _ node: TemplateNode, _ branch: TemplateNode.Branch
  ) throws(TemplateError) -> Flow {
    try enter()
    defer { depth -= 1 }
    let outer = variables.count
    defer { drop(to: outer) }
    let value = try evaluate(pipe: branch.pipe, dot)
    guard case .pipe(let pipe) = branch.pipe.kind else { return .on }
    let mark = variables.count
    var isEmpty = true
    func iterate(_ state: inout TemplateEvaluator, _ index: TemplateValue, _ element: TemplateValue)
      throws(TemplateError) -> Bool
    {
      isEmpty = false
      try state.assign(pipe, index, element)
      let flow = try state.walk(element, branch.list)
      state.drop(to: mark)
      return flow != .breakLoop
    }
    switch value {
    case .integer(let count):
      if pipe.variables.count > 1 {
        throw failure("can't use \(count) to iterate over more than one variable")
      }
      var number: Int64 = 0
      while number < count {
        guard try iterate(&self, .missing, .integer(number)) else { break }
        number += 1
      }
    case .byte(let count):
      for number in 0..<count where !(try iterate(&self, .missing, .byte(number))) { break }
    case .labels(let labels):
      for pair in labels.pairs where !(try iterate(&self, TemplateValue(pair.name), TemplateValue(pair.value))) {
        break
      }
    case .arguments(let values):
      for pair in TemplateValue.sorted(values) where !(try iterate(&self, TemplateValue(pair.key), pair.value)) {
        break
      }
    case .samples(let samples):
      for (index, sample) in samples.enumerated()
      where !(try iterate(&self, .integer(Int64(index)), .sample(sample))) { break }
    case .missing, .null: break
    default: throw failure("range can't iterate over \(GoPrint.text(of: value))")
    }
    if isEmpty, let elseList = branch.elseList { return try walk(dot, elseList) }
    return .on
  }

  /// Gives the variables of `range` the values of one round.
  private mutating func assign(
    _ pipe: TemplateNode.Pipe, _ index: TemplateValue, _ element: TemplateValue
  ) throws(TemplateError) {
    let names = pipe.variables
    if names.isEmpty { return }
    if pipe.isAssignment {
      try set(names[0], names.count > 1 ? index : element)
      if names.count > 1 { try set(names[1], element) }
    } else {
      variables[variables.count - 1].value = element
      if names.count > 1 { variables[variables.count - 2].value = index }
    }
  }

  private mutating func walkTemplate(
    _ dot: TemplateValue, _ node: TemplateNode, _ name: String, _ pipe: TemplateNode?
  ) throws(TemplateError) {
    guard let tree = trees[name] else { throw failure("template \(QuotedText.double(name)) not defined") }
    let value = try pipe.map { (pipe) throws(TemplateError) in try evaluate(pipe: pipe, dot) } ?? .missing
    try enter()
    defer { depth -= 1 }
    let outer = (treeName, variables)
    treeName = name
    variables = [Variable(name: "$", value: value)]
    _ = try walk(value, tree)
    (treeName, variables) = outer
  }

  // MARK: variables

  func value(of name: String) throws(TemplateError) -> TemplateValue {
    if let found = variables.last(where: { $0.name == name }) { return found.value }
    throw failure("undefined variable: \(name)")
  }

  mutating func set(_ name: String, _ value: TemplateValue) throws(TemplateError) {
    guard let place = variables.lastIndex(where: { $0.name == name }) else {
      throw failure("undefined variable: \(name)")
    }
    variables[place].value = value
  }

  /// Forgets the variables of a block; after a failure there may be fewer.
  private mutating func drop(to count: Int) { variables.removeLast(max(0, variables.count - count)) }

  mutating func declare(_ name: String, _ value: TemplateValue) {
    variables.append(Variable(name: name, value: value))
  }

  // MARK: limits

  mutating func step(_ count: Int = 1) throws(TemplateError) {
    steps += count
    if steps > limits.stepsMax {
      throw failure("the template takes more than \(limits.stepsMax) steps: make it do less")
    }
  }

  mutating func enter() throws(TemplateError) {
    depth += 1
    if depth > limits.depthMax { throw failure("exceeded maximum template depth (\(limits.depthMax))") }
  }

  mutating func leave() { depth -= 1 }

  /// Counts bytes that a function has made, or is about to.
  mutating func make(_ count: Int) throws(TemplateError) {
    madeBytes += count
    if count > limits.outputBytesMax || madeBytes > limits.madeBytesMax {
      throw failure("the template makes more than \(limits.madeBytesMax) bytes of text: make it do less")
    }
  }

  mutating func ask(_ expression: [UInt8]) throws(TemplateError) -> Result<[VectorSample], QueryError> {
    queries += 1
    if queries > limits.queriesMax {
      throw failure("the template asks more than \(limits.queriesMax) queries: make it ask fewer")
    }
    let samples: [VectorSample]
    do throws(QueryError) {
      samples = try context.query(String(decoding: expression, as: UTF8.self), context.time)
    } catch {
      return .failure(error)
    }
    foundBytes += samples.reduce(0) { $0 + 64 + $1.labels.packed.count }
    if foundBytes > limits.foundBytesMax {
      throw failure("queries of the template find more than \(limits.foundBytesMax) bytes: make them find fewer series")
    }
    return .success(samples)
  }

  // MARK: output

  private mutating func write(_ bytes: [UInt8]) throws(TemplateError) {
    if output.count + bytes.count > limits.outputBytesMax {
      throw failure("the text has more than \(limits.outputBytesMax) bytes: make the template print less")
    }
    output += bytes
  }

  private mutating func write(_ value: TemplateValue) throws(TemplateError) {
    switch value {
    case .text(let text), .html(let text): try write(text)
    default: try write(GoPrint.bytes(of: value, context))
    }
  }

  // MARK: failures

  mutating func at(_ node: TemplateNode) { self.node = node }

  /// The failure at the node that is expanded, in Go's words.
  func failure(_ message: String) -> TemplateError {
    guard let node else { return TemplateError("template: \(title): \(message)") }
    let before = text.prefix(node.position)
    let line = before.reduce(1) { $1 == 10 ? $0 + 1 : $0 }
    let column = before.reversed().prefix { $0 != 10 }.count
    return TemplateError(
      "template: \(title):\(line):\(column): executing \(QuotedText.double(treeName)) at <\(node.shown)>: \(message)")
  }
}
