import Format
import Platform

extension DiskFile {
  /// Reads up to `count` bytes behind what the buffer holds; fewer only at the end of the file.
  func read(_ count: Int, at offset: Int, into buffer: inout ByteBuffer) throws(DiskError) -> Int {
    var result: Result<Int, DiskError> = .success(0)
    buffer.write(room: count) { room in
      do throws(DiskError) {
        let count = try read(into: room, at: offset)
        result = .success(count)
        return count
      } catch {
        result = .failure(error)
        return 0
      }
    }
    return try result.get()
  }
}
