// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The dirty log of a migration.
extension Handlers {
    /// SET_LOG_BASE: size and offset of the log in the file that comes with them. Answered whether
    /// the frontend asked for it or not, because it reads the old log until the new one is in use;
    /// the number in the answer is 0.
    static func setLogBase(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let size = try message.payload.u64()
        let offset = try message.payload.u64()
        guard let file = message.descriptors.take(0) else { throw .frontend(.descriptors) }
        try device.setLog(try DirtyLogMapping(size: size, offset: offset, file: file))
        return .number(0)
    }

    /// SET_LOG_FD: an eventfd that is told when pages were marked.
    static func setLogDescriptor(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        guard let event = message.descriptors.take(0) else { throw .frontend(.descriptors) }
        guard System.isEvent(event) else { throw .frontend(.badValue) }
        try System.setNonBlocking(event)
        device.setLogEvent(event)
        return .acknowledge
    }
}
