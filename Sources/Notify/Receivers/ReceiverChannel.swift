import Discovery
import HTTP
import Model
import Outbound
import Platform

/// The way messages go to one receiver. Any thread.
final class ReceiverChannel: Sendable {
  typealias Completion = @Sendable (PostOutcome) -> Void

  private enum Way: Sendable {
    case webhook(WebhookOptions, NotifyClient)
    case slack(SlackOptions, NotifyClient)
    case sns(SNSOptions, AWSSession)
  }

  /// Codes of refusals that last.
  private static let refusals: Set<String> = [
    "InvalidParameter", "InvalidParameterValue", "NotFound", "ValidationError",
  ]

  private let name: String
  private let externalURL: String
  private let timeoutMilliseconds: Int64
  private let way: Way?

  init(_ options: ReceiverOptions, externalURL: String, _ surroundings: DiscoverySurroundings) {
    name = options.name
    self.externalURL = externalURL
    timeoutMilliseconds = options.timeoutMilliseconds
    switch options.channel {
    case .webhook(let webhook): way = .webhook(webhook, NotifyClient(webhook.client, surroundings))
    case .slack(let slack): way = .slack(slack, NotifyClient(slack.client, surroundings))
    case .sns(let sns):
      way = .sns(
        sns,
        AWSSession(
          sns.accessOfTopic, client: sns.client,
          AWSSurroundings(
            clock: surroundings.clock, environment: surroundings.environment, userAgent: surroundings.userAgent)))
    case nil: way = nil
    }
  }

  /// Sends a message. `then` is called once, on a thread that must not wait.
  func send(_ message: GroupMessage, on threads: NotifyThreads, then: @escaping Completion) {
    switch way {
    case .webhook(let options, let client):
      let body = WebhookMessage.json(
        message, receiver: name, externalURL: externalURL, alertsMax: options.alertsMax)
      post(body, to: options.url, by: client, on: threads, then: then)
    case .slack(let options, let client):
      let body = SlackMessage.json(message, options, externalURL: externalURL)
      post(body, to: options.url, by: client, on: threads, then: then)
    case .sns(let options, let session):
      let isTaken = threads.work { then(Self.publish(message, options, session)) }
      if !isTaken { then(.failed("no thread was free to ask AWS")) }
    case nil: then(.refused("the receiver has neither webhook, slack nor sns"))
    }
  }

  /// The address may be secret: errors do not show it.
  private func post(
    _ body: [UInt8], to address: Secret, by client: NotifyClient, on threads: NotifyThreads,
    then: @escaping Completion
  ) {
    if case .text(let url) = address {
      return client.post(body, to: url, milliseconds: timeoutMilliseconds, on: threads) { then(PostOutcome($0)) }
    }
    let isTaken = threads.work { [timeoutMilliseconds] in
      do throws(SecretError) {
        let url = try address.read()
        client.post(body, to: url, milliseconds: timeoutMilliseconds, on: threads) { then(PostOutcome($0)) }
      } catch {
        then(.failed("unable to read the address: \(error)"))
      }
    }
    if !isTaken { then(.failed("no thread was free to read the address")) }
  }

  private static func publish(_ message: GroupMessage, _ options: SNSOptions, _ session: AWSSession) -> PostOutcome {
    do throws(AWSError) {
      let service = try session.service(.sns, endpoint: options.endpoint) { false }
      _ = try service.send(SNSMessage.call(message, options)) { false }
      return .delivered
    } catch {
      // Keys may have been replaced where they are kept: they are looked for anew.
      if error.isOfIdentity { session.forget() }
      return refusals.contains(error.code) ? .refused("\(error)") : .failed("\(error)")
    }
  }
}
