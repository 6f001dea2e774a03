import Ingest

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

    package init() {}
  }

  /// Bytes of all blobs of a workspace together.
  package static let blobBytesMax = 8 << 20
  /// Resources of a workspace with tags of their own.
  package static let taggedResourcesMax = 5_000

  package let id: String
  /// True if the API has made the workspace; else it belongs to the configuration, or is the default one.
  package let isMade: Bool
  package var region: String
  package var createdMilliseconds: Int64
  package var alias: String?
  package var tags: [String: String] = [:]
  package var settings = Settings()
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
