// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Reads and writes of a packet's own bytes: private memory, but lengths in it are a guest's words.
extension PacketSlice {
    /// The byte at `offset`, nil beyond the end.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8? {
        guard offset >= 0, offset < count else { return nil }
        // SAFETY: checked on the line above.
        return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// The two bytes at `offset` in network order, nil beyond the end.
    @inline(__always)
    func bigEndian16(_ offset: Int) -> UInt16? {
        guard offset >= 0, offset <= count - 2 else { return nil }
        // SAFETY: checked on the line above.
        return unsafe UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The six bytes of an Ethernet destination, first byte lowest; nil for a shorter slice.
    @inline(__always)
    var destination: UInt64? {
        guard count >= 6 else { return nil }
        // SAFETY: checked on the line above.
        let low = unsafe base.loadUnaligned(as: UInt32.self)
        let high = unsafe base.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
        return UInt64(UInt32(littleEndian: low)) | UInt64(UInt16(littleEndian: high)) << 32
    }

    /// Appends the first `count` bytes to the record at hand.
    func copy(first count: Int, to ring: HeapCell<CaptureRing>) {
        precondition(count >= 0 && count <= self.count)
        // SAFETY: checked on the line above.
        unsafe ring.value.put(base, count: count)
    }

    /// Writes two bytes in network order; false beyond the end.
    @discardableResult
    func setBigEndian16(_ value: UInt16, at offset: Int) -> Bool {
        guard offset >= 0, offset <= count - 2 else { return false }
        // SAFETY: checked on the line above.
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
        return true
    }

    /// Writes one byte; false beyond the end.
    @discardableResult
    func setByte(_ value: UInt8, at offset: Int) -> Bool {
        guard offset >= 0, offset < count else { return false }
        // SAFETY: checked on the line above.
        unsafe base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
        return true
    }
}
