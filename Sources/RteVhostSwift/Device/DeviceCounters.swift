// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A value for each row of the table of a device's counters.
struct DeviceCounters: BitwiseCopyable {
    private var values = InlineArray<23, UInt64>(repeating: 0)

    /// All zero.
    init() {}

    /// The value of the counter with a public id.
    subscript(index: Int) -> UInt64 {
        get { values[index] }
        set { values[index] = newValue }
    }

    /// Takes off what they were before.
    mutating func subtract(_ before: DeviceCounters) {
        for index in 0..<DeviceCounter.count { values[index] &-= before.values[index] }
    }
}
