// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A short text for DPDK's telemetry, which takes at most 127 bytes of one: RTE_TEL_MAX_STRING_LEN of
/// DPDK 22.11. Older releases cut it after 63: a path, say; names of ours are shorter.
struct TelemetryText {
    private var bytes = InlineArray<128, UInt8>(repeating: 0)
    /// Bytes, without the zero behind them.
    private(set) var count = 0

    /// None.
    init() {}

    /// Words of ours.
    init(_ words: StaticString) { append(words) }

    /// Appends a byte; what is too long is cut.
    mutating func append(_ byte: UInt8) {
        guard count < 127 else { return }
        bytes[count] = byte
        count += 1
    }

    /// Appends words.
    mutating func append(_ words: StaticString) {
        // SAFETY: a static string's storage holds utf8CodeUnitCount bytes.
        for index in 0..<words.utf8CodeUnitCount { unsafe append(words.utf8Start[index]) }
    }

    /// Cuts it.
    mutating func cut(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        for index in count..<self.count { bytes[index] = 0 }
        self.count = count
    }

    /// The text as a C string, for the call.
    func withPointer(_ body: (UnsafePointer<CChar>?) -> Void) {
        let span = bytes.span
        // SAFETY: the last byte is always zero.
        unsafe span.withUnsafeBufferPointer { buffer in
            unsafe body(
                UnsafeRawPointer(buffer.baseAddress!).assumingMemoryBound(to: CChar.self))
        }
    }
}
