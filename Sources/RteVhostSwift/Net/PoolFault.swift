// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Why a pool that an application passed cannot give packets.
enum PoolFault: UInt32 {
    /// A pool of DPDK's in a process in which no DPDK is found.
    case noDPDK
    /// `ops_index` names no operations.
    case operations
    /// Its objects are too small for mbufs, or it is not a pool of mbufs.
    case notPackets
    /// It has no objects at all.
    case empty
    /// Its objects were never made mbufs.
    case rawObjects

    private static let logged = Atomic<UInt32>(0)

    /// One line the first time: a poll loop would fill the log with it.
    @inline(never)
    static func log(_ fault: PoolFault, _ function: StaticString) {
        let bit = UInt32(1) << fault.rawValue
        guard logged.bitwiseOr(bit, ordering: .relaxed).oldValue & bit == 0 else { return }
        Log.error(.data) { line in
            line.add(function)
            line.add(": the mempool cannot be used: ")
            line.add(fault.words)
        }
    }

    private var words: StaticString {
        switch self {
        case .noDPDK: return "it is DPDK's, whose rte_mempool_ops_table is not in sight"
        case .operations: return "its ops_index names no operations"
        case .notPackets: return "it is not one of mbufs"
        case .empty: return "it has no objects"
        case .rawObjects: return "its objects are no initialised mbufs"
        }
    }
}
