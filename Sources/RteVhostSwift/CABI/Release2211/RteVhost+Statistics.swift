// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost.h: statistics of a queue.

/// A queue whose driver has RTE_VHOST_USER_NET_STATS_ENABLE. Throws `notFound`, `unsupported`.
private func counted(
    _ vid: Int32, _ queue: UInt16
) throws(VhostError) -> HeapCell<VirtQueue> {
    let (device, cell) = try DeviceTable.queue(vid, queue)
    let flags = device.lock.withLock { device.value.flags }
    guard flags.keepsStatistics else { throw .unsupported }
    return cell
}

/// Writes "rx_q0_" and the counter's name; DPDK's names have the host's view.
private func write(
    _ name: UnsafeMutablePointer<rte_vhost_stat_name>, _ queue: UInt16, _ counter: TrafficCounter
) {
    var line = LogLine()
    line.add(queue & 1 == 1 ? "rx_q" : "tx_q")
    line.add(Int(queue / 2))
    line.add("_")
    line.add(counter.name)
    // SAFETY: the caller's structure of 64 bytes.
    unsafe line.write(to: UnsafeMutableRawPointer(name), size: 64)
}

/// `rte_vhost_vring_stats_get_names`: how many there are; negative where none are kept.
@_cdecl("rte_vhost_vring_stats_get_names")
public func rte_vhost_vring_stats_get_names(
    _ vid: Int32, _ queue: UInt16, _ names: UnsafeMutablePointer<rte_vhost_stat_name>?,
    _ size: UInt32
) -> Int32 {
    let count = TrafficCounter.count
    return Call.count("rte_vhost_vring_stats_get_names", vid, queue) { () throws(VhostError) in
        _ = try counted(vid, queue)
        guard let names = unsafe names, Int(size) >= count else { return count }
        for (index, counter) in TrafficCounter.rows.enumerated() {
            // SAFETY: the caller's array has `size` places.
            unsafe write(names + index, queue, counter)
        }
        return count
    }
}

/// `rte_vhost_vring_stats_get`: how many there are; negative where none are kept.
@_cdecl("rte_vhost_vring_stats_get")
public func rte_vhost_vring_stats_get(
    _ vid: Int32, _ queue: UInt16, _ statistics: UnsafeMutablePointer<rte_vhost_stat>?,
    _ size: UInt32
) -> Int32 {
    let count = TrafficCounter.count
    return Call.count("rte_vhost_vring_stats_get", vid, queue) { () throws(VhostError) in
        let cell = try counted(vid, queue)
        guard let statistics = unsafe statistics, Int(size) >= count else { return count }
        cell.lock.lock()
        defer { cell.lock.unlock() }
        for (index, counter) in TrafficCounter.rows.enumerated() {
            // SAFETY: the caller's array has `size` places.
            unsafe statistics[index] = rte_vhost_stat(
                id: UInt64(index), value: cell.value.traffic(counter))
        }
        return count
    }
}

/// `rte_vhost_vring_stats_reset`: 0; negative where none are kept.
@_cdecl("rte_vhost_vring_stats_reset")
public func rte_vhost_vring_stats_reset(_ vid: Int32, _ queue: UInt16) -> Int32 {
    Call.result("rte_vhost_vring_stats_reset", vid, queue) { () throws(VhostError) in
        let cell = try counted(vid, queue)
        cell.lock.withLock { cell.value.resetTraffic() }
    }
}
