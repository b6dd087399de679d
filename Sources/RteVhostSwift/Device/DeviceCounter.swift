// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The table of what is counted of a device. The raw values are the public ids: new ones are
/// appended, none changes its meaning.
enum DeviceCounter: CounterTable {
    case handled
    case refused
    case faults
    case reconnections
    case memoryFaults
    /// Messages refused for one reason.
    case refusal(Refusal)

    /// How many there are.
    static let count = 5 + Refusal.count

    /// The counter with a public id.
    init?(rawValue: Int) {
        switch rawValue {
        case 0: self = .handled
        case 1: self = .refused
        case 2: self = .faults
        case 3: self = .reconnections
        case 4: self = .memoryFaults
        default:
            guard let reason = Refusal(rawValue: rawValue - 5) else { return nil }
            self = .refusal(reason)
        }
    }

    /// The public name.
    var name: StaticString {
        switch self {
        case .handled: "messages_handled"
        case .refused: "messages_refused"
        case .faults: "frontend_faults"
        case .reconnections: "reconnects"
        case .memoryFaults: "memory_faults"
        case .refusal(let reason): reason.name
        }
    }
}
