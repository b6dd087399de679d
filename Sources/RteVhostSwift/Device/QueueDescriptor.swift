// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a queue knows of a descriptor that a message brings: never sent, "none" (NOFD), or one.
enum QueueDescriptor: ~Copyable {
    case unset
    case none
    case descriptor(FileDescriptor)

    /// True when the message came, with a descriptor or with the flag that there is none.
    var isSet: Bool {
        switch self {
        case .unset: false
        default: true
        }
    }

    /// The number, or -1.
    var number: Int32 {
        switch self {
        case .descriptor(let descriptor): descriptor.number
        default: -1
        }
    }
}
