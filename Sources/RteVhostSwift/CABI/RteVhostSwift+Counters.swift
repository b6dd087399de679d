// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rtevhostswift.h: counters by name.

/// Writes the names of a table, where there are places for all.
private func write<Table: CounterTable>(
    _: Table.Type, to names: UnsafeMutablePointer<rtevhostswift_counter_name>?, _ size: UInt32
) {
    guard let names = unsafe names, Int(size) >= Table.count else { return }
    for (index, counter) in Table.rows.enumerated() {
        var line = LogLine()
        line.add(counter.name)
        // SAFETY: the caller's array has `size` places, each a structure of 64 bytes.
        unsafe line.write(
            to: UnsafeMutableRawPointer(names + index),
            size: MemoryLayout<rtevhostswift_counter_name>.size)
    }
}

/// A device by vid. Throws `notFound`.
private func device(_ vid: Int32) throws(VhostError) -> HeapCell<Device> {
    guard let device = DeviceTable.find(vid) else { throw .notFound }
    return device
}

/// `count`, or -1 with one log line that names function, device and reason.
private func counted(
    _ function: StaticString, _ vid: Int32, _ count: Int = 0,
    _ body: () throws(VhostError) -> Void
) -> Int32 {
    do throws(VhostError) {
        try body()
        return Int32(count)
    } catch {
        Call.log(function, vid, error)
        return -1
    }
}

/// `rtevhostswift_vring_counters_get_names`: how many there are, or -1.
@_cdecl("rtevhostswift_vring_counters_get_names")
public func rtevhostswift_vring_counters_get_names(
    _ vid: Int32, _ queue: UInt16, _ names: UnsafeMutablePointer<rtevhostswift_counter_name>?,
    _ size: UInt32
) -> Int32 {
    counted("rtevhostswift_vring_counters_get_names", vid, QueueCounter.count) {
        () throws(VhostError) in
        _ = try DeviceTable.queue(vid, queue)
        unsafe write(QueueCounter.self, to: names, size)
    }
}

/// `rtevhostswift_vring_counters_get`: how many there are, or -1.
@_cdecl("rtevhostswift_vring_counters_get")
public func rtevhostswift_vring_counters_get(
    _ vid: Int32, _ queue: UInt16, _ counters: UnsafeMutablePointer<rtevhostswift_counter>?,
    _ size: UInt32
) -> Int32 {
    counted("rtevhostswift_vring_counters_get", vid, QueueCounter.count) {
        () throws(VhostError) in
        let (device, cell) = try DeviceTable.queue(vid, queue)
        guard let counters = unsafe counters, Int(size) >= QueueCounter.count else { return }
        let values = device.counters(of: cell)
        for (index, counter) in QueueCounter.rows.enumerated() {
            // SAFETY: the caller's array has `size` places.
            unsafe counters[index] = rtevhostswift_counter(
                id: UInt64(index), value: values[counter])
        }
    }
}

/// `rtevhostswift_vring_counters_reset`: 0 or -1.
@_cdecl("rtevhostswift_vring_counters_reset")
public func rtevhostswift_vring_counters_reset(_ vid: Int32, _ queue: UInt16) -> Int32 {
    counted("rtevhostswift_vring_counters_reset", vid) { () throws(VhostError) in
        let (device, cell) = try DeviceTable.queue(vid, queue)
        device.resetCounters(of: cell)
    }
}

/// `rtevhostswift_device_counters_get_names`: how many there are, or -1.
@_cdecl("rtevhostswift_device_counters_get_names")
public func rtevhostswift_device_counters_get_names(
    _ vid: Int32, _ names: UnsafeMutablePointer<rtevhostswift_counter_name>?, _ size: UInt32
) -> Int32 {
    counted("rtevhostswift_device_counters_get_names", vid, DeviceCounter.count) {
        () throws(VhostError) in
        _ = try device(vid)
        unsafe write(DeviceCounter.self, to: names, size)
    }
}

/// `rtevhostswift_device_counters_get`: how many there are, or -1.
@_cdecl("rtevhostswift_device_counters_get")
public func rtevhostswift_device_counters_get(
    _ vid: Int32, _ counters: UnsafeMutablePointer<rtevhostswift_counter>?, _ size: UInt32
) -> Int32 {
    counted("rtevhostswift_device_counters_get", vid, DeviceCounter.count) {
        () throws(VhostError) in
        let history = try device(vid).value.history
        guard let counters = unsafe counters, Int(size) >= DeviceCounter.count else { return }
        let values = history.lock.withLock { history.value.counters }
        for index in 0..<DeviceCounter.count {
            // SAFETY: the caller's array has `size` places.
            unsafe counters[index] = rtevhostswift_counter(
                id: UInt64(index), value: values[index])
        }
    }
}

/// `rtevhostswift_device_counters_reset`: 0 or -1.
@_cdecl("rtevhostswift_device_counters_reset")
public func rtevhostswift_device_counters_reset(_ vid: Int32) -> Int32 {
    counted("rtevhostswift_device_counters_reset", vid) { () throws(VhostError) in
        let history = try device(vid).value.history
        history.lock.withLock { history.value.resetCounters() }
    }
}
