// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc

@testable import RteVhostSwift

/// What the fuzzers in C cannot do through the library's API: run the event thread's rounds, and look
/// at what a queue holds. rig.h declares it.
private enum Rig {
    /// A round is running: a callback of it may call what waits for another one.
    nonisolated(unsafe) static var isTurning = false
}

/// One round of the event loop, which has no thread here. False inside of another one.
@_cdecl("rig_turn")
public func rigTurn() -> Bool {
    guard !Rig.isTurning, let loop = try? Library.shared() else { return false }
    Rig.isTurning = true
    // As the event thread says who it is.
    loop.value.thread.store(System.currentThread, ordering: .releasing)
    loop.turn(milliseconds: 0)
    loop.value.thread.store(0, ordering: .releasing)
    Rig.isTurning = false
    return true
}

/// Fills in `struct rig_queue`: all fields are 64-bit numbers. False without device or queue.
@_cdecl("rig_look")
public func rigLook(_ vid: Int32, _ index: Int32, _ out: UnsafeMutablePointer<Int64>) -> Bool {
    guard let device = DeviceTable.find(vid) ?? DeviceTable.draining(Int(vid)),
        let queue = device.value.queue(Int(index))
    else { return false }
    let state = queue.value.datapath.cell(of: NetQueue.self)
    let positions = queue.value.positions
    let isPacked = queue.value.profile.isPacked
    var (segments, pending) = (0, 0)
    var isPendingKnown = true
    var sequence = state.value.inflight.head
    while sequence != state.value.inflight.tail {
        let record = state.value.inflight[sequence]
        let slots = isPacked ? record.entry.descriptorCount : 1
        pending += Int(record.usedCount) * Int(slots)
        if isPacked, record.usedCount > 1 { isPendingKnown = false }
        var packet = record.packet
        while let segment = packet {
            segments += 1
            packet = segment.next
        }
        sequence &+= 1
    }
    let isBroken = isPacked ? queue.value.packedRing.isBroken : queue.value.splitRing.isBroken
    let values: [Int] = [
        queue.value.hasRing ? 1 : 0, queue.value.isRunning ? 1 : 0, isBroken ? 1 : 0,
        queue.value.size, Int(positions.available), Int(positions.used),
        state.value.inflight.count, state.value.inflight.packetCount, segments,
        state.value.inflight.engineCount, state.value.engine.isRegistered ? 1 : 0,
        isPacked ? 1 : 0, queue.value.profile.headerByteCount,
        device.value.isRarpPending.load(ordering: .relaxed) ? 1 : 0,
        queue.value.profile.isTranslated ? 1 : 0, queue.value.profile.logsWrites ? 1 : 0,
        isPendingKnown ? pending : -1,
    ]
    for (place, value) in values.enumerated() { out[place] = Int64(value) }
    return true
}

/// True while a device that is gone waits for its engine.
@_cdecl("rig_is_draining")
public func rigIsDraining(_ vid: Int32) -> Bool { DeviceTable.draining(Int(vid)) != nil }

/// Devices that were ever open at once: the library keeps what they were made of.
@_cdecl("rig_most_devices")
public func rigMostDevices() -> Int32 {
    var vid = 0
    while CellTable.find(vid, of: Device.self) != nil { vid += 1 }
    return Int32(vid)
}

/// Queues that those devices ever had, which the library keeps too.
@_cdecl("rig_most_queues")
public func rigMostQueues() -> Int32 {
    var vid = 0
    var queues: Int32 = 0
    while let device = CellTable.find(vid, of: Device.self) {
        device.forEachCell { _ in queues += 1 }
        vid += 1
    }
    return queues
}

/// Places for sessions of those devices, which are kept as well: a device that its hardware refuses
/// has none yet.
@_cdecl("rig_most_sessions")
public func rigMostSessions() -> Int32 {
    guard let loop = try? Library.shared() else { return 0 }
    var sessions: Int32 = 0
    for vid in 0..<1024 where loop.value.existingSlot(vid) != nil { sessions += 1 }
    return sessions
}
