// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rtevhostswift.h: what frontends said last.

/// Writes a record to a caller's structure.
private func write(
    _ record: MessageRecord, to place: UnsafeMutablePointer<rtevhostswift_message>
) {
    var name = LogLine()
    name.add(record.request.flatMap { Request(rawValue: $0) }?.name ?? "unknown")
    var words = LogLine()
    if let error = record.error { words.add(error) }
    // SAFETY: the caller's structure; both texts end within the members that they are written to.
    unsafe place.pointee.time_ns = record.time
    unsafe place.pointee.request = record.request ?? 0
    unsafe place.pointee.byte_count = record.byteCount
    unsafe name.write(
        to: &place.pointee.name, size: MemoryLayout.size(ofValue: place.pointee.name))
    unsafe words.write(
        to: &place.pointee.error, size: MemoryLayout.size(ofValue: place.pointee.error))
}

/// What a device's frontend said, at one moment; nil, and one log line, where there is no device.
private func history(_ function: StaticString, _ vid: Int32) -> DeviceHistory? {
    guard let device = DeviceTable.find(vid) else {
        Call.log(function, vid, .notFound)
        return nil
    }
    let history = device.value.history
    return history.lock.withLock { history.value }
}

/// `rtevhostswift_device_messages_get`: how many there are, or -1.
@_cdecl("rtevhostswift_device_messages_get")
public func rtevhostswift_device_messages_get(
    _ vid: Int32, _ messages: UnsafeMutablePointer<rtevhostswift_message>?, _ size: UInt32
) -> Int32 {
    guard let history = history("rtevhostswift_device_messages_get", vid) else { return -1 }
    let count = history.count
    if let messages = unsafe messages, Int(size) >= count {
        for index in 0..<count {
            // SAFETY: the caller's array has `size` places.
            unsafe write(history[index], to: messages + index)
        }
    }
    return Int32(count)
}

/// `rtevhostswift_device_last_error_get`: 1, 0 where there is none, or -1.
@_cdecl("rtevhostswift_device_last_error_get")
public func rtevhostswift_device_last_error_get(
    _ vid: Int32, _ message: UnsafeMutablePointer<rtevhostswift_message>?
) -> Int32 {
    guard let history = history("rtevhostswift_device_last_error_get", vid) else { return -1 }
    guard let record = history.lastRefusal else { return 0 }
    // SAFETY: the caller's structure.
    if let message = unsafe message { unsafe write(record, to: message) }
    return 1
}
