/// Things of the managed service that cannot be made here: asked for them, the truth is that there are none. Clients count on
/// that answer to go on, Terraform's provider among them. Immutable.
package struct AbsentObjects: Sendable {
  private let managed: ManagedWorkspaces

  package init(_ managed: ManagedWorkspaces) { self.managed = managed }

  package func add(to table: inout ManagementTable) {
    for (operation, part, type) in [
      (ManagementOperation.describeScraper, "scraperId", "AWS::APS::Scraper"),
      (.deleteScraper, "scraperId", "AWS::APS::Scraper"),
      (.describeScraperLoggingConfiguration, "scraperId", "AWS::APS::Scraper"),
      (.deleteScraperLoggingConfiguration, "scraperId", "AWS::APS::Scraper"),
      (.describeAnomalyDetector, "anomalyDetectorId", "AWS::APS::AnomalyDetector"),
      (.deleteAnomalyDetector, "anomalyDetectorId", "AWS::APS::AnomalyDetector"),
    ] {
      table.add(operation) { (request) throws(ManagementError) in
        let id = request.part(part)
        throw .notFound("there is no \(id)", id: id, type: type)
      }
    }
    for (operation, name) in [
      (ManagementOperation.listScrapers, "scrapers"), (.listAnomalyDetectors, "anomalyDetectors"),
    ] {
      table.add(operation) { (request) throws(ManagementError) in
        if operation == .listAnomalyDetectors { _ = try managed.find(request.part("workspaceId")) }
        var members = ManagementJSON()
        members.add(name, [ManagementJSON]())
        return ManagementAnswer(request, members)
      }
    }
  }
}
