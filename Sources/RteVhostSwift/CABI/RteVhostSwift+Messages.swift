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

/// Writes an end to a caller's structure.
private func write(
    _ end: ConnectionEnd, to place: UnsafeMutablePointer<rtevhostswift_connection_end>
) {
    var words = LogLine()
    if let error = end.error { words.add(error) }
    var name = LogLine()
    if end.request != 0 { name.add(Request(rawValue: end.request)?.name ?? "unknown") }
    // SAFETY: the caller's structure; both texts end within the members that they are written to.
    unsafe place.initialize(to: rtevhostswift_connection_end())
    unsafe place.pointee.time_ns = end.time
    unsafe place.pointee.vid = end.vid
    if case .system(let code)? = end.error { unsafe place.pointee.error_number = code }
    unsafe words.write(
        to: &place.pointee.error, size: MemoryLayout.size(ofValue: place.pointee.error))
    unsafe place.pointee.last_request = end.request
    unsafe name.write(
        to: &place.pointee.last_name, size: MemoryLayout.size(ofValue: place.pointee.last_name))
    if let refusal = end.refusal { unsafe write(refusal, to: &place.pointee.refused) }
}

/// What is remembered of a socket's connections: 1, 0 where it is nothing, or -1.
private func copyEnd(
    _ function: StaticString, _ path: UnsafePointer<CChar>?,
    _ place: UnsafeMutablePointer<rtevhostswift_connection_end>?,
    _ look: (HeapCell<Driver>) -> ConnectionEnd?
) -> Int32 {
    var end: ConnectionEnd?
    let result = unsafe Call.result(function, path) { (path) throws(VhostError) in
        end = try Library.change(path, look)
    }
    guard result == 0 else { return -1 }
    guard let end else { return 0 }
    // SAFETY: the caller's structure.
    if let place = unsafe place { unsafe write(end, to: place) }
    return 1
}

/// `rtevhostswift_driver_last_end_get`: 1, 0 where no connection has ended, or -1.
@_cdecl("rtevhostswift_driver_last_end_get")
public func rtevhostswift_driver_last_end_get(
    _ path: UnsafePointer<CChar>?, _ end: UnsafeMutablePointer<rtevhostswift_connection_end>?
) -> Int32 {
    unsafe copyEnd("rtevhostswift_driver_last_end_get", path, end) { $0.value.lastEnd }
}

/// `rtevhostswift_driver_last_refusal_get`: 1, 0 where none failed, or -1.
@_cdecl("rtevhostswift_driver_last_refusal_get")
public func rtevhostswift_driver_last_refusal_get(
    _ path: UnsafePointer<CChar>?,
    _ refusal: UnsafeMutablePointer<rtevhostswift_connection_end>?
) -> Int32 {
    unsafe copyEnd("rtevhostswift_driver_last_refusal_get", path, refusal) {
        $0.value.lastRefusal
    }
}
