// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The vDPA devices of the process. Their structures are recycled, never freed: an address that is
/// stale names a device that is not registered, or a later one.
enum VdpaRegistry {
    private typealias Pointer = UnsafeMutablePointer<rte_vdpa_device>

    /// What is kept of a device: the structure that everybody sees, and behind it what only some
    /// releases' operations have.
    @unsafe
    private struct Entry {
        var device: rte_vdpa_device
        var additions: VdpaAdditions
    }

    private static let lock = SpinLock()
    // SAFETY: read and written with the lock held.
    nonisolated(unsafe) private static var first: Pointer?

    /// DPDK: RTE_DEV_NAME_MAX_LEN.
    private static let nameByteCount = 64

    /// Registers a device. Throws `invalidArgument` without name or without an operation that a
    /// driver must have, `exists`, `outOfMemory`.
    static func register(
        _ device: OpaquePointer, _ operations: UnsafeMutablePointer<rte_vdpa_dev_ops>,
        additions: VdpaAdditions
    ) throws(VhostError) -> UnsafeMutablePointer<rte_vdpa_device> {
        // SAFETY: the driver's table and device are good while it registers them, as the header
        // asks; structures of the list live for ever.
        let table = unsafe operations.pointee
        guard unsafe table.get_queue_num != nil, unsafe table.get_features != nil,
            unsafe table.get_protocol_features != nil, table.dev_conf != nil,
            table.dev_close != nil, table.set_vring_state != nil,
            table.set_features != nil, let name = unsafe crte_device_name(device)
        else { throw .invalidArgument }
        lock.lock()
        defer { lock.unlock() }
        guard unsafe findLocked(name) == nil else { throw .exists }
        let new = unsafe try claim()
        unsafe new.pointee.device = device
        unsafe new.pointee.ops = operations
        unsafe entry(new).pointee.additions = additions
        return unsafe new
    }

    // SAFETY: `claim` made each structure as the first field of an entry.
    private static func entry(_ device: Pointer) -> UnsafeMutablePointer<Entry> {
        unsafe UnsafeMutableRawPointer(device).assumingMemoryBound(to: Entry.self)
    }

    /// What a registered device's driver does besides.
    static func additions(
        of device: UnsafeMutablePointer<rte_vdpa_device>
    ) -> VdpaAdditions {
        lock.lock()
        defer { lock.unlock() }
        // SAFETY: the address of a registered device, which lives for ever.
        return unsafe containsLocked(device)
            ? entry(device).pointee.additions : VdpaAdditions()
    }

    /// Forgets a device. Throws `notFound`.
    static func unregister(
        _ device: UnsafeMutablePointer<rte_vdpa_device>
    ) throws(VhostError) {
        lock.lock()
        defer { lock.unlock() }
        // SAFETY: the address of a registered device, which lives for ever.
        guard unsafe containsLocked(device) else { throw .notFound }
        unsafe device.pointee.device = nil
        unsafe device.pointee.ops = nil
    }

    /// The device that was registered for a device of this name.
    static func find(_ name: UnsafePointer<CChar>) -> UnsafeMutablePointer<rte_vdpa_device>? {
        lock.lock()
        defer { lock.unlock() }
        // SAFETY: a C string, as the header asks.
        return unsafe findLocked(name)
    }

    /// True for the address of a registered device.
    static func contains(_ device: UnsafeMutablePointer<rte_vdpa_device>) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        // SAFETY: compared, not followed.
        return unsafe containsLocked(device)
    }

    /// The operations of a registered device.
    static func operations(
        of device: UnsafeMutablePointer<rte_vdpa_device>
    ) -> rte_vdpa_dev_ops? {
        lock.lock()
        defer { lock.unlock() }
        // SAFETY: the address of a registered device, whose table its driver keeps.
        return unsafe containsLocked(device) ? device.pointee.ops?.pointee : nil
    }

    private static func findLocked(_ name: UnsafePointer<CChar>) -> Pointer? {
        // SAFETY: structures of the list live for ever; a driver's device has a name while it is
        // registered.
        var next = unsafe first
        while let current = unsafe next {
            if let device = unsafe current.pointee.device,
                let other = unsafe crte_device_name(device),
                unsafe strncmp(other, name, nameByteCount) == 0
            {
                return unsafe current
            }
            unsafe next = current.pointee.next.tqe_next
        }
        return nil
    }

    private static func containsLocked(_ device: Pointer) -> Bool {
        // SAFETY: as in findLocked; the address asked about is compared, not followed.
        var next = unsafe first
        while let current = unsafe next {
            if unsafe current == device { return unsafe current.pointee.device != nil }
            unsafe next = current.pointee.next.tqe_next
        }
        return false
    }

    /// A structure without device, in the list. Throws `outOfMemory`.
    private static func claim() throws(VhostError) -> Pointer {
        // SAFETY: as in findLocked; a new one is all zeroes, which is a valid structure.
        var next = unsafe first
        while let current = unsafe next {
            if unsafe current.pointee.device == nil { return unsafe current }
            unsafe next = current.pointee.next.tqe_next
        }
        guard let raw = unsafe calloc(1, MemoryLayout<Entry>.stride) else {
            throw .outOfMemory
        }
        let new = unsafe raw.assumingMemoryBound(to: rte_vdpa_device.self)
        unsafe new.pointee.next.tqe_next = first
        unsafe first = new
        return unsafe new
    }
}
