import Platform
import PlatformSimulation
import Synchronization
import TestKit

@testable import Outbound

/// 2026-03-01T00:00:00Z.
let awsNow: Int64 = 1_772_323_200_000

/// An answer as it goes over the wire.
func wireAnswer(_ status: Int, _ body: String, _ headers: [String] = []) -> String {
  (["HTTP/1.1 \(status) Status", "Content-Length: \(body.utf8.count)", "Connection: close"] + headers + ["", body])
    .joined(separator: "\r\n")
}

/// The value of a header in the head of a request.
func headerValue(_ name: String, in head: String) -> String? {
  head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ":") }.map {
    String($0.drop { $0 != ":" }.dropFirst()).withoutOuterSpace
  }
}

/// Everything that a test of keys needs: an environment without this machine's own, and a clock that stands.
func awsSurroundings(_ environment: [String: String], clock: any Clock = SimulatedClock(nowMilliseconds: awsNow))
  -> AWSSurroundings
{
  var environment = environment
  if environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == nil { environment["AWS_EC2_METADATA_DISABLED"] = "true" }
  var surroundings = AWSSurroundings(clock: clock, environment: environment, userAgent: "test")
  surroundings.retries.pauseMilliseconds = 0
  return surroundings
}

/// The keys that a session signs with.
func awsKeys(_ settings: AWSSettings, _ surroundings: AWSSurroundings, region: String = "eu-west-1") throws -> AWSKeys {
  let client = OutboundClient(ClientSettings())
  let chain = AWSKeyChain(
    settings: settings, surroundings: surroundings, profiles: try AWSProfiles(surroundings),
    tokens: AWSTokenService(region: region, client: client, surroundings: surroundings))
  return try chain.keys().keys { false }
}

/// The text of the error that a body throws.
func awsErrorText(_ body: () throws -> Void) -> String {
  do { try body() } catch { return "\(error)" }
  return "no error"
}

/// An answer of the token service.
func tokenAnswer(_ operation: String, access: String, expires: String = "2026-03-01T01:00:00Z") -> String {
  wireAnswer(
    200,
    """
    <\(operation)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><\(operation)Result><Credentials>
    <AccessKeyId>\(access)</AccessKeyId><SecretAccessKey>s/\(access)</SecretAccessKey>
    <SessionToken>t=\(access)</SessionToken><Expiration>\(expires)</Expiration></Credentials></\(operation)Result>
    </\(operation)Response>
    """)
}
