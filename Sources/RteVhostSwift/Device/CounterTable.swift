// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A table of counters: its rows have public ids from 0 on. Whoever shows counters walks it.
protocol CounterTable {
    /// How many rows there are.
    static var count: Int { get }

    /// The row with a public id.
    init?(rawValue: Int)

    /// The public name.
    var name: StaticString { get }
}

extension CounterTable {
    /// All rows, in the order of their ids.
    static var rows: CounterRows<Self> { CounterRows() }
}

/// The rows of a table.
struct CounterRows<Row: CounterTable>: Sequence, IteratorProtocol {
    private var id = 0

    /// Nothing was gone over.
    init() {}

    /// The next row.
    mutating func next() -> Row? {
        guard id < Row.count else { return nil }
        defer { id += 1 }
        return Row(rawValue: id)
    }
}
