/// Makes nodes of events. One owner, used for one document; holds the anchors seen so far.
struct YAMLBuilder {
  private typealias Built = (node: YAMLNode, count: Int)

  private let limits: YAMLDocument.Limits
  /// The finished node of each anchor and how many nodes it stands for.
  private var anchors: [String: Built] = [:]
  /// Nodes so far, with aliases counted in full.
  private var count = 0

  init(limits: YAMLDocument.Limits) { self.limits = limits }

  mutating func document(from events: inout YAMLEvents) throws(YAMLError) -> YAMLDocument {
    var document: YAMLDocument?
    while true {
      let (event, position) = try nextAfterDocument(&events, hasDocument: document != nil)
      switch event {
      case .streamEnd:
        return document ?? YAMLDocument(root: YAMLNode(.scalar(YAMLScalar("")), at: position))
      case .documentStart:
        if var document {
          document.secondDocument = position
          return document
        }
        let (first, place) = try events.next()
        document = YAMLDocument(root: try node(first, at: place, depth: 0, &events))
      default: continue
      }
    }
  }

  /// The next event behind the first document, which nobody reads: an error there is not ours.
  private func nextAfterDocument(
    _ events: inout YAMLEvents, hasDocument: Bool
  ) throws(YAMLError) -> (event: YAMLEvent, position: YAMLPosition) {
    do throws(YAMLError) { return try events.next() } catch {
      if hasDocument { return (.documentStart, error.position) }
      throw error
    }
  }

  private mutating func node(
    _ event: YAMLEvent, at position: YAMLPosition, depth: Int, _ events: inout YAMLEvents
  ) throws(YAMLError) -> YAMLNode {
    if depth > limits.depthMax {
      throw YAMLError(position: position, what: "more than \(limits.depthMax) lists and sections inside each other")
    }
    let before = count
    try add(1, at: position)
    let anchor: String?
    let content: YAMLNode.Content
    switch event {
    case .alias(let name): return try alias(name, at: position)
    case .scalar(let scalar, let name):
      anchor = name
      content = .scalar(scalar)
    case .sequenceStart(let name):
      anchor = name
      content = .sequence(try sequence(depth: depth, &events))
    case .mappingStart(let name):
      anchor = name
      content = .mapping(try mapping(depth: depth, &events))
    default: throw YAMLError(position: position, what: "nothing can be read here")
    }
    let node = YAMLNode(content, at: position)
    // Known only when finished: an anchor cannot contain itself.
    if let anchor { anchors[anchor] = (node, count - before) }
    return node
  }

  private mutating func sequence(depth: Int, _ events: inout YAMLEvents) throws(YAMLError) -> [YAMLNode] {
    var nodes: [YAMLNode] = []
    while true {
      let (event, position) = try events.next()
      if case .sequenceEnd = event { return nodes }
      nodes.append(try node(event, at: position, depth: depth + 1, &events))
    }
  }

  private mutating func mapping(depth: Int, _ events: inout YAMLEvents) throws(YAMLError) -> [YAMLEntry] {
    var entries: [YAMLEntry] = []
    var places: [String: YAMLPosition] = [:]
    var merged: [YAMLEntry] = []
    while true {
      let (event, keyPosition) = try events.next()
      if case .mappingEnd = event { break }
      let keyNode = try node(event, at: keyPosition, depth: depth + 1, &events)
      guard let key = keyNode.scalar else {
        throw YAMLError(position: keyPosition, what: "\(keyNode.kindText) cannot be a key")
      }
      let (valueEvent, valuePosition) = try events.next()
      let value = try node(valueEvent, at: valuePosition, depth: depth + 1, &events)
      if key.isPlain && key.text == "<<" {
        merged += try merge(value, at: valuePosition)
        continue
      }
      if let earlier = places[key.text] {
        throw YAMLError(position: keyPosition, what: "the key \"\(key.text)\" is already given at \(earlier)")
      }
      places[key.text] = keyPosition
      entries.append(YAMLEntry(key: key.text, keyPosition: keyPosition, value: value))
    }
    // What is written here wins over what is merged, and of several merged the first.
    for entry in merged where places[entry.key] == nil {
      places[entry.key] = entry.keyPosition
      entries.append(entry)
    }
    return entries
  }

  private func merge(_ value: YAMLNode, at position: YAMLPosition) throws(YAMLError) -> [YAMLEntry] {
    switch value.content {
    case .mapping(let entries): return entries
    case .sequence(let nodes):
      var all: [YAMLEntry] = []
      for node in nodes {
        guard case .mapping(let entries) = node.content else {
          throw YAMLError(position: node.position, what: "only sections can be merged, not \(node.kindText)")
        }
        all += entries
      }
      return all
    case .scalar: throw YAMLError(position: position, what: "only sections can be merged, not \(value.kindText)")
    }
  }

  private mutating func alias(_ name: String, at position: YAMLPosition) throws(YAMLError) -> YAMLNode {
    guard let known = anchors[name] else {
      throw YAMLError(position: position, what: "the alias *\(name) has no anchor before it")
    }
    try add(known.count, at: position)
    return known.node
  }

  private mutating func add(_ nodes: Int, at position: YAMLPosition) throws(YAMLError) {
    count += nodes
    if count > limits.nodesMax {
      throw YAMLError(position: position, what: "more than \(limits.nodesMax) nodes once aliases are expanded")
    }
  }
}
