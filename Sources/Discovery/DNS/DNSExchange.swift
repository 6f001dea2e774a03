import Platform

/// One question to one server over UDP or TCP, a step at a time, so that one thread can have many of them. One thread at a time.
final class DNSExchange {
  typealias RecordType = DNSMessage.RecordType

  /// The time for an answer; over TCP for the connection, too.
  static let datagramMillisecondsMax: Int64 = 2_000
  static let streamMillisecondsMax: Int64 = 4_000
  /// Datagrams that answer something else, which are passed over.
  static let strayMax = 100

  struct ExchangeError: Error, Equatable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }

  private enum Phase { case sending, receiving }

  let socket: ClientSocket
  let deadline: Deadline
  private let name: [UInt8]
  private let type: RecordType
  private let id: UInt16
  private let isStream: Bool
  private var phase: Phase
  private var unsent: ArraySlice<UInt8>
  private var received: [UInt8] = []
  private var strays = 0

  /// Begins. `id` and, by the kernel, the port it is sent from cannot be guessed.
  init(
    server: String, port: UInt16, _ name: [UInt8], _ type: RecordType, isStream: Bool, hasExtension: Bool,
    clock: any Clock
  ) throws(ExchangeError) {
    self.name = name
    self.type = type
    self.isStream = isStream
    id = UInt16.random(in: 0...UInt16.max)
    let question = DNSMessage.question(name, type, id: id, hasExtension: hasExtension)
    do throws(ClientSocket.SocketError) {
      socket = try ClientSocket(isStream ? .stream : .datagram, address: server, port: port)
    } catch { throw ExchangeError("\(error)") }
    unsent = (isStream ? [UInt8(question.count >> 8), UInt8(question.count & 0xff)] + question : question)[...]
    phase = .sending
    deadline = Deadline(
      milliseconds: isStream ? Self.streamMillisecondsMax : Self.datagramMillisecondsMax, of: clock)
  }

  /// True if it waits for room to send.
  var writes: Bool { phase == .sending }

  /// Goes on where the socket is ready. Nil while there is no answer yet.
  func step() throws(ExchangeError) -> DNSMessage.Response? {
    do throws(ClientSocket.SocketError) {
      if phase == .sending {
        if isStream { try socket.check() }
        unsent = unsent.dropFirst(try socket.send(unsent))
        if unsent.isEmpty { phase = .receiving }
        return nil
      }
      guard let part = try socket.receive(bytesMax: 65_537) else { return nil }
      if !isStream { return try datagram(part) }
      if part.isEmpty { throw ClientSocket.SocketError("the server ended the connection") }
      received += part
    } catch { throw ExchangeError("\(error)") }
    return try stream()
  }

  private func datagram(_ bytes: [UInt8]) throws(ClientSocket.SocketError) -> DNSMessage.Response? {
    // What is no answer to this question somebody else may have sent: the true one may still come.
    if let response = try? DNSMessage.response(bytes, to: name, type, id: id) { return response }
    strays += 1
    if strays > Self.strayMax {
      throw ClientSocket.SocketError("more than \(Self.strayMax) answers to other questions")
    }
    return nil
  }

  private func stream() throws(ExchangeError) -> DNSMessage.Response? {
    guard received.count >= 2 else { return nil }
    let length = Int(received[0]) << 8 | Int(received[1])
    guard received.count >= 2 + length else { return nil }
    do throws(DNSMessage.MessageError) {
      let bytes = Array(received[2..<(2 + length)])
      guard let response = try DNSMessage.response(bytes, to: name, type, id: id) else {
        throw DNSMessage.MessageError("the answer is one to another question")
      }
      return response
    } catch { throw ExchangeError("\(error)") }
  }
}
