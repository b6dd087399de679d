// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Looks at what other threads are changing.
extension System {
    /// The two bytes at an address of this process, which may be unmapped or behind the end of a
    /// file that was cut short: nil then.
    static func peek16(_ address: UInt) -> UInt16? {
        var value: UInt16 = 0
        // SAFETY: the kernel writes two bytes at most, which `value` has.
        return unsafe crte_peek(&value, address, 2) == 2 ? value : nil
    }

    /// `count` elements at such an address, into the first ones of a buffer. False when the kernel
    /// cannot read all of them.
    static func peek<Element: BitwiseCopyable>(
        _ address: UInt, count: Int, into buffer: borrowing FixedBuffer<Element>
    ) -> Bool {
        precondition(count >= 0 && count <= buffer.count)
        let bytes = count * MemoryLayout<Element>.stride
        // SAFETY: the buffer has room, by the line above; any bytes are an element of such types as
        // this is called for, numbers and structures of them.
        return unsafe crte_peek(buffer.base, address, bytes) == bytes
    }

    /// Reads what has come by a socket into a line, from `start` on: how many bytes, and whether
    /// there will be no more.
    static func receive(
        _ number: Int32, into line: inout InlineArray<256, UInt8>, from start: Int
    ) -> (count: Int, isEnd: Bool) {
        var span = line.mutableSpan
        // SAFETY: the span has 256 bytes, of which those from `start` on are written.
        let result = unsafe span.withUnsafeMutableBufferPointer { buffer in
            precondition(start >= 0 && start < buffer.count)
            return unsafe crte_receive_bytes(
                number, buffer.baseAddress! + start, buffer.count - start)
        }
        guard result < 0 else { return (result, result == 0) }
        let code = crte_errno()
        return (0, code != EAGAIN && code != EINTR)
    }

    /// Sends bytes by a socket without waiting: how many it took; nil when its peer is gone.
    static func send(_ number: Int32, _ bytes: FixedView<UInt8>) -> Int? {
        // SAFETY: a view's bytes are there as long as its buffer, which the caller has.
        let result = unsafe crte_send(number, bytes.address, bytes.count)
        guard result < 0 else { return result }
        let code = crte_errno()
        return code == EAGAIN || code == EINTR ? 0 : nil
    }
}
