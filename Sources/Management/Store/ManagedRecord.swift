import Ingest
import TSDB
import Workspaces

/// All that the management API has stored about one workspace. A value; a change makes a new one.
package struct ManagedRecord: Sendable, Equatable {
  /// Bytes that an operation stores under a name: a definition, a policy.
  package struct Blob: Sendable, Equatable {
    package var bytes: [UInt8]
    package var createdMilliseconds: Int64
    package var modifiedMilliseconds: Int64

    package init(_ bytes: [UInt8], createdMilliseconds: Int64, modifiedMilliseconds: Int64) {
      self.bytes = bytes
      self.createdMilliseconds = createdMilliseconds
      self.modifiedMilliseconds = modifiedMilliseconds
    }
  }

  /// Settings in the place of the server's; nil: the server's.
  package struct Settings: Sendable, Equatable {
    package var retentionDays: Int64?
    package var lateWindowSeconds: Int64?
    package var ruleOffsetSeconds: Int64?
    /// In the order of the request that has set them.
    package var labelSets: [LabelSetLimit]?

    package init() {}
  }

  /// Bytes of all blobs of a workspace together.
  package static let blobBytesMax = 8 << 20
  /// Resources of a workspace with tags of their own.
  package static let taggedResourcesMax = 5_000

  /// A place that lines go to, as it was given: here it is a file of this server whatever it says.
  package struct LogDestination: Sendable, Equatable {
    package var logGroupARN: String
    /// Of a log of queries: the samples from which on they are told. 0 for the log of rules.
    package var samplesMin: Int64 = 0
    package var createdMilliseconds: Int64
    package var modifiedMilliseconds: Int64
  }

  package struct Policy: Sendable, Equatable {
    /// JSON.
    package var document: String
    package var revision: String
  }

  package let id: String
  /// True if the API has made the workspace; else it belongs to the configuration, or is the default one.
  package let isMade: Bool
  package var region: String
  package var createdMilliseconds: Int64
  package var alias: String?
  package var tags: [String: String] = [:]
  package var settings = Settings()
  package var ruleLog: LogDestination?
  package var queryLog: LogDestination?
  package var policy: Policy?
  /// By name.
  package var blobs: [String: Blob] = [:]
  /// Tags of what is in the workspace, by the last part of its ARN: `rulegroupsnamespace/ws-.../name`.
  package var resourceTags: [String: [String: String]] = [:]

  package init(id: String, isMade: Bool, region: String, createdMilliseconds: Int64) {
    self.id = id
    self.isMade = isMade
    self.region = region
    self.createdMilliseconds = createdMilliseconds
  }
}

extension ManagedRecord {
  /// The meaning of the destinations of logs.
  package var logging: WorkspaceLogging {
    var logging = WorkspaceLogging()
    logging.areRulesLogged = ruleLog != nil
    logging.querySamplesMin = queryLog?.samplesMin
    return logging
  }
}
