// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A queue's record of chains in flight, in memory that the frontend keeps and may write to. With
/// the queue's lock held.
enum InflightLog: BitwiseCopyable {
    case none
    case split(SplitInflightLog)
    case packed(PackedInflightLog)

    /// True between start and stop of a ring that has one.
    var isAttached: Bool {
        switch self {
        case .none: false
        default: true
        }
    }
}

extension InflightLog {
    /// vhost-user: 0 indicates an uninitialized region, 1 is the only layout.
    static var version: UInt16 { 1 }

    /// The version of a region; false for a blank one. Throws `badValue` for one that nobody knows.
    static func isInitialized(_ region: GuestSlice) throws(VhostError) -> Bool {
        // Both regions begin alike: features, version, number of entries.
        let found = region.load16(at: 8)
        guard found <= version else { throw .frontend(.badValue) }
        return found == version
    }
}
