// One posting list: strictly growing series ids. 24 bytes of state for each label pair; the ids are coded as tokens in
// the state itself (up to 8 bytes) or in a chain of blocks.
//
//   token   uvarint g >= 2      one id, g above the one before it; the first id counts from -2
//           0x00                one more id, next to the one before it
//           0x01 uvarint n      n more ids, each next to the one before it
//
// The ids of a run that is still open are only counted (`pending`): a list that takes in every series of a target, or
// of the head, costs nothing per series. Blocks grow by class after four of a class, so that at most about a quarter of
// a list is unused.

/// The state of one list. Bytes behind `blocks...` may be written only through `PostingsBlocks.append`.
struct PostingsList {
  var count: UInt32 = 0
  var last: UInt32 = 0
  /// Ids of the open run that no token covers yet.
  var pending: UInt32 = 0
  /// First and last block; while `sizeClass` is `inline` the eight bytes are the tokens themselves.
  var head: UInt32 = 0
  var tail: UInt32 = 0
  /// Bytes used in the last block (or inline).
  var used: UInt16 = 0
  var sizeClass: UInt8 = PostingsList.inline
  var blocksOfClass: UInt8 = 0

  static let inline: UInt8 = 0xff
  static let inlineOffset = 12
  static let inlineBytes = 8
  static let blocksOfClassMax: UInt8 = 4
  /// The longest coding of the open run.
  static let pendingBytesMax = 6
  /// A coding of the open run up to this length goes out in one word with the gap (up to five bytes) behind it.
  static let shortTokenBytes = 3

  /// The coding of the open run, lowest byte first; of no length where there is none.
  var pendingToken: (bytes: UInt64, length: Int) {
    if pending <= 1 { return (0, Int(pending)) }
    var bytes: UInt64 = 1
    var length = 1
    var rest = UInt64(pending)
    while rest >= 0x80 {
      bytes |= (rest & 0x7f | 0x80) << UInt64(8 * length)
      length += 1
      rest >>= 7
    }
    return (bytes | rest << UInt64(8 * length), length + 1)
  }
}

extension PostingsBlocks {
  /// Adds `id`, which is larger than every id of the list.
  @inline(__always)
  mutating func append(_ id: UInt32, to list: UnsafeMutablePointer<PostingsList>) {
    if list.pointee.count != 0 && id == list.pointee.last &+ 1 {
      list.pointee.pending &+= 1
      list.pointee.count &+= 1
      list.pointee.last = id
      return
    }
    appendApart(id, to: list)
  }

  /// Adds `count` ids from `first` on.
  mutating func append(run first: UInt32, count: UInt32, to list: UnsafeMutablePointer<PostingsList>) {
    append(first, to: list)
    list.pointee.pending += count - 1
    list.pointee.count += count - 1
    list.pointee.last += count - 1
  }

  private mutating func appendApart(_ id: UInt32, to list: UnsafeMutablePointer<PostingsList>) {
    var token = list.pointee.pendingToken
    list.pointee.pending = 0
    var gap = list.pointee.count == 0 ? UInt64(id) &+ 2 : UInt64(id &- list.pointee.last)
    list.pointee.count &+= 1
    list.pointee.last = id
    if token.length > PostingsList.shortTokenBytes {
      put(token.bytes, token.length, list)
      token = (0, 0)
    }
    while gap >= 0x80 {
      token.bytes |= (gap & 0x7f | 0x80) &<< UInt64(8 &* token.length)
      token.length &+= 1
      gap &>>= 7
    }
    token.bytes |= gap &<< UInt64(8 &* token.length)
    put(token.bytes, token.length &+ 1, list)
  }

  /// Writes up to eight bytes of tokens, lowest first.
  @inline(__always)
  private mutating func put(_ bytes: UInt64, _ length: Int, _ list: UnsafeMutablePointer<PostingsList>) {
    let used = Int(list.pointee.used)
    let sizeClass = Int(list.pointee.sizeClass)
    if sizeClass != Int(PostingsList.inline), used &+ 8 <= PostingsBlocks.payloadBytes(sizeClass) {
      // What is written behind the token is overwritten by the next one.
      (payload(list.pointee.tail) + used).storeBytes(of: bytes.littleEndian, as: UInt64.self)
      list.pointee.used = UInt16(truncatingIfNeeded: used &+ length)
      return
    }
    var rest = bytes
    for _ in 0..<length {
      put(UInt8(truncatingIfNeeded: rest), list)
      rest &>>= 8
    }
  }

  private mutating func put(_ byte: UInt8, _ list: UnsafeMutablePointer<PostingsList>) {
    let used = Int(list.pointee.used)
    if list.pointee.sizeClass == PostingsList.inline {
      if used < PostingsList.inlineBytes {
        (UnsafeMutableRawPointer(list) + PostingsList.inlineOffset + used).storeBytes(of: byte, as: UInt8.self)
        list.pointee.used = UInt16(truncatingIfNeeded: used &+ 1)
        return
      }
      moveOut(list)
    } else if used == PostingsBlocks.payloadBytes(Int(list.pointee.sizeClass)) {
      addBlock(list)
    }
    let at = payload(list.pointee.tail) + Int(list.pointee.used)
    at.storeBytes(of: byte, as: UInt8.self)
    list.pointee.used &+= 1
  }

  /// Moves an inline list to a first block.
  private mutating func moveOut(_ list: UnsafeMutablePointer<PostingsList>) {
    let block = take(0)
    payload(block).copyMemory(
      from: UnsafeRawPointer(list) + PostingsList.inlineOffset, byteCount: PostingsList.inlineBytes)
    list.pointee.head = block
    list.pointee.tail = block
    list.pointee.sizeClass = 0
    list.pointee.blocksOfClass = 1
  }

  private mutating func addBlock(_ list: UnsafeMutablePointer<PostingsList>) {
    if list.pointee.blocksOfClass == PostingsList.blocksOfClassMax
      && Int(list.pointee.sizeClass) < PostingsBlocks.classCount - 1
    {
      list.pointee.sizeClass += 1
      list.pointee.blocksOfClass = 0
    }
    let block = take(Int(list.pointee.sizeClass))
    link(list.pointee.tail, to: block)
    list.pointee.tail = block
    list.pointee.used = 0
    // In the largest class there is nothing to count towards.
    if list.pointee.blocksOfClass < PostingsList.blocksOfClassMax { list.pointee.blocksOfClass += 1 }
  }

  /// Gives the blocks back and empties the list.
  mutating func clear(_ list: UnsafeMutablePointer<PostingsList>) {
    if list.pointee.sizeClass != PostingsList.inline {
      var block = list.pointee.head
      var sizeClass = 0
      var ofClass: UInt8 = 0
      while block != 0 {
        let following = next(block)
        give(block, sizeClass)
        step(&sizeClass, &ofClass)
        block = following
      }
    }
    list.pointee = PostingsList()
  }

  /// Each block of the chain with the bytes used in it.
  @inline(__always)
  private func forEachBlock(_ list: PostingsList, _ body: (UnsafeMutableRawPointer, Int) -> Void) {
    var block = list.head
    var sizeClass = 0
    var ofClass: UInt8 = 0
    while block != 0 {
      body(payload(block), block == list.tail ? Int(list.used) : PostingsBlocks.payloadBytes(sizeClass))
      step(&sizeClass, &ofClass)
      block = next(block)
    }
  }

  /// The class of the next block of a chain: four of each but the last class.
  @inline(__always) private func step(_ sizeClass: inout Int, _ ofClass: inout UInt8) {
    ofClass += 1
    if ofClass == PostingsList.blocksOfClassMax {
      ofClass = 0
      if sizeClass < PostingsBlocks.classCount - 1 { sizeClass += 1 }
    }
  }

  /// An upper bound of the bytes that `copy` writes.
  func codedBytesMax(_ list: PostingsList) -> Int {
    if list.sizeClass == PostingsList.inline { return Int(list.used) + PostingsList.pendingBytesMax }
    var bytes = PostingsList.pendingBytesMax
    forEachBlock(list) { bytes += $1 }
    return bytes
  }

  /// Writes the tokens of the whole list to `target`, which has room for `codedBytesMax`. Returns the bytes written.
  func copy(_ list: UnsafePointer<PostingsList>, to target: UnsafeMutableRawPointer) -> Int {
    var written = 0
    if list.pointee.sizeClass == PostingsList.inline {
      written = Int(list.pointee.used)
      target.copyMemory(from: UnsafeRawPointer(list) + PostingsList.inlineOffset, byteCount: written)
    } else {
      forEachBlock(list.pointee) { payload, used in
        (target + written).copyMemory(from: payload, byteCount: used)
        written += used
      }
    }
    var token = list.pointee.pendingToken
    for _ in 0..<token.length {
      (target + written).storeBytes(of: UInt8(truncatingIfNeeded: token.bytes), as: UInt8.self)
      token.bytes &>>= 8
      written += 1
    }
    return written
  }
}
