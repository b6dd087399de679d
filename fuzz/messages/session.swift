// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Glibc
import Synchronization

@testable import RteVhostSwift

// What the event thread does for one connection, as functions for the driver in C. Calling the
// session's own steps makes an execution a matter of microseconds and the same each time.

/// A connection of the driver's.
private final class Place {
    var session: Session?
}

/// The device that is attacked, and the innocent one.
nonisolated(unsafe) private let places = [Place(), Place()]

/// Begins to watch for memory that is cut short; once.
@_cdecl("fuzz_session_prepare")
public func prepare() {
    EventSignal.prepare()
    guard let event = try? System.makeEvent() else { fatalError("no eventfd") }
    MemoryGuard.install(event: event.number)
    PostcopyWatch.install(event: event.number)
    var kept = consume event
    kept.release()
}

/// Makes a device of a connected socket, as the event thread does; its vid.
@_cdecl("fuzz_session_open")
public func open(
    _ place: Int32, _ socket: Int32, _ flags: UInt64, _ pairs: UInt32, _ choices: UInt32,
    _ operations: UnsafePointer<vhost_device_ops>?, _ vdpa: UnsafeMutablePointer<rte_vdpa_device>?
) -> Int32 {
    let socket = FileDescriptor(owning: socket)
    guard let device = try? DeviceTable.open(hooks: NetQueue.hooks) else {
        fatalError("no device")
    }
    let flags = DriverFlags(rawValue: flags)
    device.value.flags = flags
    device.value.offeredFeatures = Feature.netDefaults(flags)
    device.value.offeredProtocolFeatures =
        choices & 1 != 0 ? flags.servedProtocolFeatures : flags.protocolFeatures
    device.value.offeredQueuePairs = pairs
    device.value.isNet.store(choices & 2 == 0, ordering: .relaxed)
    if let operations = operations?.pointee {
        device.value.callbacks = DeviceCallbacks(
            newDevice: operations.new_device, destroyDevice: operations.destroy_device,
            queueStateChanged: operations.vring_state_changed,
            featuresChanged: operations.features_changed, newConnection: operations.new_connection,
            destroyConnection: operations.destroy_connection,
            guestNotified: operations.guest_notified)
    }
    if let vdpa { try? device.adoptVdpa(VdpaDevice(vdpa)) }
    places[Int(place)].session = Session(Connection(socket), device: device)
    _ = device.value.callbacks?.newConnection?(device.value.vid)
    return device.value.vid
}

/// Handles what has come. False when the connection has to end.
@_cdecl("fuzz_session_step")
public func step(_ place: Int32) -> Bool {
    let place = places[Int(place)]
    guard place.session != nil else { return false }
    do throws(VhostError) {
        try place.session?.handleInput()
    } catch {
        return false
    }
    return !isBroken(place)
}

/// The event thread's look at devices whose memory is gone.
private func isBroken(_ place: Place) -> Bool {
    guard MemoryGuard.takeFault() else { return false }
    guard let device = place.session?.device else { return false }
    return device.value.isMappingBroken || device.isPostcopyAbandoned
}

/// The event thread's second look at rings that wait for translations.
@_cdecl("fuzz_session_retry")
public func retry(_ place: Int32) {
    guard RingTranslation.takeAwaited() else { return }
    places[Int(place)].session?.device.retryRings()
}

/// Ends a connection and its device.
@_cdecl("fuzz_session_close")
public func close(_ place: Int32) {
    let place = places[Int(place)]
    guard let device = place.session?.device else { return }
    place.session = nil
    device.close()
    guard !device.value.isDraining else { fatalError("no engine works, and the device waits") }
    _ = MemoryGuard.takeFault()
    _ = RingTranslation.takeAwaited()
}

/// True when nobody holds a lock of the device. Another thread of the library's may look at one.
@_cdecl("fuzz_session_locks_free")
public func areLocksFree(_ vid: Int32) -> Bool {
    guard let device = CellTable.find(Int(vid), of: Device.self) else { return false }
    var areFree = isFree(device.lock)
    device.forEachQueue { queue in
        if !isFree(queue.lock) { areFree = false }
    }
    return areFree
}

private func isFree(_ lock: borrowing SpinLock) -> Bool {
    guard lock.tryLock(spins: 10_000_000) else { return false }
    lock.unlock()
    return true
}

/// Ends the process when a device that was closed still has what messages brought.
@_cdecl("fuzz_session_is_clean")
public func isClean(_ vid: Int32) -> Bool {
    guard let device = CellTable.find(Int(vid), of: Device.self) else { return false }
    return !device.value.isOpen.load(ordering: .relaxed)
        && !device.value.isRunning.load(ordering: .relaxed)
        && device.value.memory.table.count == 0 && device.value.dirtyLog == nil
        && device.value.inflightArea == nil && !device.value.backendChannel.isOpen
        && device.value.queueCount.load(ordering: .relaxed) == 0
        && device.value.features.load(ordering: .relaxed) == 0
        && device.value.protocolFeatures.load(ordering: .relaxed) == 0
        && device.value.postcopy.descriptor == nil
}
