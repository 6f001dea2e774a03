import Format
import HTTP
import Model
import Platform

/// One service of AWS in one region: signs requests, sends them, and tries again where that may help. Any thread.
package final class AWSService: Sendable {
  package enum Kind: String, Sendable {
    case ec2, ecs, sns, sts

    /// As AWS's own programs write it.
    package var name: String { rawValue.uppercased() }
  }

  package struct Call: Sendable {
    package var operation: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    /// A form, as EC2 and STS take them; their answers are XML.
    package static func form(
      _ operation: String, version: String, _ parameters: [(name: String, value: String)]
    ) -> Call {
      let form = PercentText.form([("Action", operation), ("Version", version)] + parameters)
      return Call(
        operation: operation, headers: [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
        body: Array(form.utf8))
    }

    /// A JSON object, as ECS takes them; its answers are JSON.
    package static func json(_ operation: String, target: String, _ body: JSONBuffer) -> Call {
      Call(
        operation: operation,
        headers: [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "\(target).\(operation)")],
        body: body.bytes)
    }
  }

  package let kind: Kind
  package let region: String
  private let url: String
  /// Nil: requests are not signed.
  private let keys: AWSKeyCache?
  private let client: OutboundClient
  private let surroundings: AWSSurroundings

  init(
    _ kind: Kind, region: String, url: String, keys: AWSKeyCache?, client: OutboundClient,
    _ surroundings: AWSSurroundings
  ) {
    self.kind = kind
    self.region = region
    self.url = url
    self.keys = keys
    self.client = client
    self.surroundings = surroundings
  }

  /// The body of the answer.
  package func send(_ call: Call, _ isCancelled: @escaping Cancellation) throws(AWSError) -> [UInt8] {
    var hasRenewedKeys = false
    var tries = 0
    while true {
      tries += 1
      let failure: AWSRequestError
      switch try attempt(call, isCancelled) {
      case .success(let body): return body
      case .failure(let reason): failure = reason
      }
      if failure.isOfExpiredKeys, let keys, !hasRenewedKeys {
        hasRenewedKeys = true
        keys.forget()
        continue
      }
      let isLast = tries >= surroundings.retries.triesMax
      if failure.mayPass && !isLast && surroundings.retries.pause(before: tries, isCancelled) { continue }
      let attempts =
        failure.mayPass && isLast && tries > 1 ? "exceeded maximum number of attempts, \(tries), " : ""
      throw AWSError("operation error \(kind.name): \(call.operation), \(attempts)\(failure.text)", code: failure.code)
    }
  }

  private func attempt(
    _ call: Call, _ isCancelled: @escaping Cancellation
  ) throws(AWSError) -> Result<[UInt8], AWSRequestError> {
    var request = ClientRequest(method: "POST", url: url, headers: call.headers, body: call.body)
    request.acceptsGzip = true
    if let keys {
      let signer = AWSRequestSigner(
        region: region, service: kind.rawValue, keys: keys, clock: surroundings.clock)
      do throws(AWSError) { try signer.sign(&request, isCancelled) } catch {
        throw error.within("operation error \(kind.name): \(call.operation), get identity: get credentials")
      }
    }
    do throws(HTTPClientError) {
      let answer = try client.send(request, isCancelled: isCancelled)
      if answer.status == 200 { return .success(answer.body) }
      return .failure(AWSRequestError(answer))
    } catch {
      return .failure(AWSRequestError(error, of: request))
    }
  }
}
