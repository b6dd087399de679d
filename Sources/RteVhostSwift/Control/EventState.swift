// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a queue has of an eventfd.
enum EventState {
    /// The message did not come.
    case missing
    /// The frontend said that there is none: the queue is polled.
    case polled
    /// There is one.
    case present

    /// Of a queue's descriptor.
    init(_ descriptor: borrowing QueueDescriptor) {
        if descriptor.number >= 0 {
            self = .present
        } else {
            self = descriptor.isSet ? .polled : .missing
        }
    }

    /// For the answer.
    var words: StaticString {
        switch self {
        case .missing: "missing"
        case .polled: "polled"
        case .present: "present"
        }
    }
}
