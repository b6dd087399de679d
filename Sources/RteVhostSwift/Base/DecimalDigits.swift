// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A number's decimal digits in ASCII, the first one first.
struct DecimalDigits: BitwiseCopyable {
    private var reversed = InlineArray<20, UInt8>(repeating: 0)
    /// How many, at least one.
    private(set) var count = 0

    /// Those of a number.
    init(_ number: UInt64) {
        var rest = number
        repeat {
            reversed[count] = UInt8(ascii: "0") + UInt8(rest % 10)
            count += 1
            rest /= 10
        } while rest > 0
    }

    /// One of them.
    subscript(index: Int) -> UInt8 { reversed[count - 1 - index] }
}
