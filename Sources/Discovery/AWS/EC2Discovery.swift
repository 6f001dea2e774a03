import Model
import Outbound
import Platform

/// Finds the instances of a region. One refresh at a time.
final class EC2Discovery: Refreshable {
  private let options: EC2DiscoveryOptions
  private let session: AWSSession
  private let log: Log
  /// Ids of the zones by their names, read until there was an answer.
  private let zoneIDs = Monitor<[String: String]?>(nil)

  var mechanism: String { "ec2" }
  var intervalMilliseconds: Int64 { options.refreshMilliseconds }

  init(_ options: EC2DiscoveryOptions, _ surroundings: DiscoverySurroundings) {
    self.options = options
    session = AWSSession(options.access, client: options.client, AWSSurroundings(surroundings))
    log = surroundings.log
  }

  func refresh(isCancelled: @escaping @Sendable () -> Bool) throws(DiscoveryError) -> [TargetGroup] {
    let service: AWSService
    do throws(AWSError) { service = try session.service(.ec2, endpoint: options.endpoint, isCancelled) } catch {
      throw DiscoveryError("\(error)")
    }
    let calls = EC2Calls(service: service, isCancelled: isCancelled)
    let ids = zoneIDs(calls)
    let instances: [EC2Instance]
    do throws(AWSError) { instances = try calls.instances(options.filters) } catch {
      // Keys may have been replaced where they are kept: they are looked for anew.
      if error.isOfIdentity { session.forget() }
      throw DiscoveryError("could not describe instances: \(error)")
    }
    let targets = instances.compactMap { $0.target(port: options.port, region: service.region, zoneIDs: ids) }
    return [TargetGroup(source: service.region, targets: targets)]
  }

  private func zoneIDs(_ calls: EC2Calls) -> [String: String] {
    if let known = zoneIDs.withLock({ $0 }) { return known }
    do throws(AWSError) {
      let found = try calls.zoneIDs()
      zoneIDs.withLock { $0 = found }
      return found
    } catch {
      log.debug("Unable to describe availability zones", ["err": "\(error)"])
      return [:]
    }
  }
}

extension AWSSurroundings {
  init(_ surroundings: DiscoverySurroundings) {
    self.init(
      clock: surroundings.clock, environment: surroundings.environment, userAgent: surroundings.userAgent)
  }
}
