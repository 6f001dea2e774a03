import HTTP
import Platform

/// The region and the keys that requests to AWS with one identity share, found at the first request. Any thread.
package final class AWSSession: Sendable {
  private struct Found {
    var region: String
    var keys: AWSKeyCache
  }

  package let settings: AWSSettings
  private let surroundings: AWSSurroundings
  private let client: OutboundClient
  private let found = Monitor<Found?>(nil)

  /// Whole answers; EC2's with a thousand instances have a few megabytes.
  private static let answerBytesMax = 64 << 20
  private static let answerMillisecondsMax = 30_000

  package init(_ settings: AWSSettings, client: ClientSettings, _ surroundings: AWSSurroundings) {
    self.settings = settings
    self.surroundings = surroundings
    var options = HTTPClientOptions()
    options.userAgent = surroundings.userAgent
    options.responseBytesMax = Self.answerBytesMax
    options.totalMillisecondsMax = Self.answerMillisecondsMax
    self.client = OutboundClient(
      client, options: options, environment: surroundings.environment, clock: surroundings.clock)
  }

  /// A service of the session's region. `endpoint`: an address instead of AWS's own; empty: none.
  package func service(
    _ kind: AWSService.Kind, endpoint: String = "", _ isCancelled: @escaping Cancellation
  ) throws(AWSError) -> AWSService {
    let found = try find(isCancelled)
    let url = try AWSEndpoint.url(kind, region: found.region, given: endpoint, surroundings)
    return AWSService(kind, region: found.region, url: url, keys: found.keys, client: client, surroundings)
  }

  /// The signer of requests that others send, for the service of this name.
  package func signer(service: String, _ isCancelled: @escaping Cancellation) throws(AWSError) -> AWSRequestSigner {
    let found = try find(isCancelled)
    return AWSRequestSigner(region: found.region, service: service, keys: found.keys, clock: surroundings.clock)
  }

  /// Looks for region and keys anew at the next request, as after a refusal: files may have changed.
  package func forget() { found.withLock { $0 = nil } }

  private func find(_ isCancelled: @escaping Cancellation) throws(AWSError) -> Found {
    if let known = found.withLock({ $0 }) { return known }
    let profiles: AWSProfiles
    do throws(AWSError) { profiles = try AWSProfiles(surroundings) } catch {
      throw error.within("could not create aws config")
    }
    let region: String
    do throws(AWSError) { region = try findRegion(profiles, isCancelled) } catch {
      throw error.within("could not determine AWS region")
    }
    let chain = AWSKeyChain(
      settings: settings, surroundings: surroundings, profiles: profiles,
      tokens: AWSTokenService(region: region, client: client, surroundings: surroundings))
    let keys: AWSKeyCache
    do throws(AWSError) { keys = try chain.keys() } catch { throw error.within("could not create aws config") }
    // Of two threads that looked at the same time, both have the first one's keys.
    return found.withLock { found in
      if let found { return found }
      let new = Found(region: region, keys: keys)
      found = new
      return new
    }
  }

  private func findRegion(_ profiles: AWSProfiles, _ isCancelled: @escaping Cancellation) throws(AWSError) -> String {
    if !settings.region.isEmpty { return settings.region }
    if let region = surroundings.variable("AWS_REGION") ?? surroundings.variable("AWS_DEFAULT_REGION") {
      return region
    }
    let profile = AWSKeyChain.profileName(settings, surroundings)
    if let region = profiles.profiles[profile]?["region"], !region.isEmpty { return region }
    do throws(AWSError) { return try AWSInstanceMetadata(surroundings: surroundings).region(isCancelled) } catch {
      throw error.within(
        "the section, AWS_REGION, AWS_DEFAULT_REGION and the profile \(profile) name none; failed to get region from "
          + "IMDS")
    }
  }
}
