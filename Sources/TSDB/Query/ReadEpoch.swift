/// The token that a reader holds while it reads what the database held at one moment, head and blocks together. Data
/// leaves the head only when nobody holds the epoch in which no block had it yet. Without state: only the references to
/// it count.
package final class ReadEpoch: Sendable {}
