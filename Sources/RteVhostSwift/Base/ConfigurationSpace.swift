// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A device's configuration space, which a driver in C reads and writes: `get_config` and
/// `set_config` of DPDK 22.11's vDPA operations.
@safe
struct ConfigurationSpace: Sendable {
    /// vhost-user, GET_CONFIG: the longest piece.
    static let limit = 256
    /// A piece.
    typealias Bytes = InlineArray<256, UInt8>
    /// `get_config`: so many bytes from the start; 0 or not.
    typealias Reader = @convention(c) (Int32, UnsafeMutablePointer<UInt8>?, UInt32) -> Int32
    /// `set_config`: so many bytes (fourth) at an offset (third), with flags; 0 or not.
    typealias Writer =
        @convention(c) (Int32, UnsafeMutablePointer<UInt8>?, UInt32, UInt32, UInt32) -> Int32

    private let reader: Reader?
    private let writer: Writer?

    /// Wraps the functions; nil for none.
    // SAFETY: the addresses are only kept.
    init?(reader: Reader?, writer: Writer?) {
        guard unsafe reader != nil || writer != nil else { return nil }
        unsafe self.reader = reader
        unsafe self.writer = writer
    }

    /// The first `count` bytes, at most `limit`; nil when the driver has none.
    func read(_ vid: Int32, count: Int) -> Bytes? {
        precondition(count >= 0 && count <= Self.limit)
        guard let reader = unsafe reader else { return nil }
        var bytes = Bytes(repeating: 0)
        var span = bytes.mutableSpan
        // SAFETY: the driver's function gets 256 bytes for the call and is told of `count`.
        let result = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe reader(vid, buffer.baseAddress, UInt32(count))
        }
        return result == 0 ? bytes : nil
    }

    /// Writes the first `count` of `bytes` at `offset`; false when the driver does not take them.
    func write(
        _ vid: Int32, _ bytes: Bytes, offset: Int, count: Int, flags: UInt32
    ) -> Bool {
        precondition(offset >= 0 && count >= 0 && offset + count <= Self.limit)
        guard let writer = unsafe writer else { return false }
        var bytes = bytes
        var span = bytes.mutableSpan
        // SAFETY: as in read.
        return unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe writer(vid, buffer.baseAddress, UInt32(offset), UInt32(count), flags)
        } == 0
    }
}
