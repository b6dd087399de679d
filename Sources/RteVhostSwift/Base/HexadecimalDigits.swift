// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A number's hexadecimal digits in ASCII, the first one first.
struct HexadecimalDigits: BitwiseCopyable {
    private let number: UInt64
    /// How many, at least one.
    let count: Int

    /// Those of a number.
    init(_ number: UInt64) {
        self.number = number
        count = max(1, (67 - number.leadingZeroBitCount) / 4)
    }

    /// One of them.
    subscript(index: Int) -> UInt8 { Self.lowest(of: number >> UInt64(4 * (count - 1 - index))) }

    /// The last digit of a number.
    static func lowest(of number: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: number & 0xf)
        return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
