import Discovery
import HTTP
import Model
import Outbound

/// One target, asked once as a scrape of its job would ask it. Any thread.
package struct TargetProbe: Sendable {
  package enum Refusal: Error, Equatable, CustomStringConvertible {
    /// Relabelling drops the target.
    case dropped
    /// It is no target.
    case fault(String)

    package var description: String {
      switch self {
      case .dropped: "relabel_configs drop this target"
      case .fault(let problem): problem
      }
    }
  }

  /// Options as they are for this target.
  package let options: ScrapeOptions
  package let url: String
  /// The labels that its series get.
  package let labels: Labels
  private let identity: TargetIdentity

  /// The target that the job makes of these labels, `__address__` among them.
  package init(_ labels: Labels, of job: ScrapeOptions) throws(Refusal) {
    let relabelling: Relabelling
    do throws(RegexError) { relabelling = try Relabelling(job.relabelling) } catch { throw .fault("\(error)") }
    switch TargetLabels.make(labels, of: TargetGroup(source: "", targets: [labels]), job, relabelling) {
    case .dropped: throw .dropped
    case .fault(_, let problem): throw .fault(problem)
    case .target(_, let labels):
      identity = TargetIdentity(labels, job)
      options = identity.options(of: job)
      url = identity.url
      self.labels = identity.publicLabels
    }
  }

  /// Waits for the answer.
  package func fetch(userAgent: String) -> ScrapeAnswer.Content {
    let bound = options.bodyBytesMax > 0 ? options.bodyBytesMax : ScrapeServerOptions().bodyBytesMax
    let client = SigningClient(options.client, signing: options.signing, options: HTTPClientOptions())
    let settings = JobSettings(options, client: client, failureLog: nil, userAgent: userAgent)
    let request = settings.request(identity, bodyBytesMax: bound)
    let result: Result<ClientResponse, HTTPClientError>
    do throws(HTTPClientError) { result = .success(try client.send(request)) } catch { result = .failure(error) }
    return ScrapeContent.make(result, of: request, limit: options.bodyBytesMax, bound: bound)
  }
}
