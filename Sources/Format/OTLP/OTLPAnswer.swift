/// The answer to a push: ExportMetricsServiceResponse { 1 partial_success { 1 rejected_data_points  2 error_message } }.
package enum OTLPAnswer {
  package static func partialSuccess(rejectedPoints: Int, message: String) -> [UInt8] {
    var partial = ByteBuffer(capacity: message.utf8.count + 32)
    partial.append(0x08)
    partial.appendUvarint(UInt64(rejectedPoints))
    partial.append(0x12)
    partial.appendUvarint(UInt64(message.utf8.count))
    partial.append(message.utf8)
    var answer = ByteBuffer(capacity: partial.count + 16)
    answer.append(0x0a)
    answer.appendUvarint(UInt64(partial.count))
    answer.append(partial.bytes)
    return Array(answer.bytes)
  }
}
