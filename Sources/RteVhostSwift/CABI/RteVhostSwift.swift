// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rtevhostswift.h

/// `rtevhostswift_version`
@_cdecl("rtevhostswift_version")
public func rtevhostswift_version() -> UnsafePointer<CChar>? {
    let version: StaticString = "0.1.0"
    // SAFETY: a static string is stored with a closing zero and lives as long as the library.
    return unsafe UnsafeRawPointer(version.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// `rtevhostswift_driver_allow_uids`: 0; -1 for a path that is not registered or is started, or a
/// list that is none.
@_cdecl("rtevhostswift_driver_allow_uids")
public func rtevhostswift_driver_allow_uids(
    _ path: UnsafePointer<CChar>?, _ uids: UnsafePointer<UInt32>?, _ count: UInt32
) -> Int32 {
    unsafe Call.result("rtevhostswift_driver_allow_uids", path) { (path) throws(VhostError) in
        guard let uids = unsafe uids, count > 0 else { throw .invalidArgument }
        guard count <= UInt32(UserList.maximumCount) else { throw .limitReached }
        var users = UserList()
        // SAFETY: the caller's array has `count` numbers, which were found to be few.
        for index in 0..<Int(count) { try users.add(unsafe uids[index]) }
        try Library.allow(path, users)
    }
}

/// `rtevhostswift_vring_stats_get`: 0 or -1.
@_cdecl("rtevhostswift_vring_stats_get")
public func rtevhostswift_vring_stats_get(
    _ vid: Int32, _ queue: UInt16, _ stats: UnsafeMutablePointer<rtevhostswift_vring_stats>?,
    _ size: Int
) -> Int32 {
    guard let stats = unsafe stats, size > 0,
        let (counters, inflight) = try? NetDatapath.statistics(vid, queue)
    else {
        Call.log("rtevhostswift_vring_stats_get", vid, queue, .invalidArgument)
        return -1
    }
    var result = rtevhostswift_vring_stats(
        packets: counters.packets, bytes: counters.bytes,
        cpu_bytes: counters.bytes &- counters.engineBytes,
        engine_bytes: counters.engineBytes,
        in_flight: UInt64(inflight), notifications: counters.notifications,
        notifications_suppressed: counters.notificationsSuppressed,
        pool_empty: counters.poolEmpty, dropped_bad_chain: counters.badChain,
        dropped_unmapped: counters.unmapped, dropped_short: counters.short,
        dropped_direction: counters.direction, dropped_too_long: counters.tooLong,
        bad_offload: counters.badOffload, ring_broken: counters.ringBroken,
        engine_refused: counters.engineRefused,
        engine_errors: counters.engineErrors &+ counters.notCopied)
    // SAFETY: the caller's structure has `size` bytes, of which at most ours are written.
    unsafe memcpy(stats, &result, min(size, MemoryLayout<rtevhostswift_vring_stats>.size))
    return 0
}
