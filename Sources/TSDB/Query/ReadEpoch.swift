/// Held by everybody who reads what the database held at one moment, head and blocks together. Data leaves the head only
/// when nobody holds the epoch in which no block had it yet. Without state: what counts is who refers to it.
package final class ReadEpoch: Sendable {}
