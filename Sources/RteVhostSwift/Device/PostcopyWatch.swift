// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A frontend that never fetches a page would keep a burst, and with its queue's lock the event
/// thread, waiting for ever. One thread of the process looks after devices in postcopy migration:
/// where a queue's lock cannot be had for a while, the migration is given up, and the device with
/// it.
enum PostcopyWatch {
    private static let isStarted = Atomic<Bool>(false)
    /// Since when a device's lock cannot be had, by vid; 0 for one that can.
    private static let stuckTimes = LazyCell<FixedBuffer<UInt64>>()
    /// Devices that wait for the event thread to end them.
    private static let event = Atomic<Int32>(-1)

    /// How long a page may take: migration over a slow network is much faster.
    private static var patience: UInt64 { 10_000_000_000 }
    private static var periodMicroseconds: Int { 100_000 }
    /// How long a burst may hold a lock while all is well.
    private static var tryNanoseconds: UInt64 { 1_000_000 }

    /// Tells which eventfd wakes the event thread.
    static func install(event number: Int32) { event.store(number, ordering: .releasing) }

    /// Starts the thread once. Throws `system`, `outOfMemory`.
    static func start() throws(VhostError) {
        guard !isStarted.exchange(true, ordering: .acquiring) else { return }
        do throws(VhostError) {
            let times = try stuckTimes.get { () throws(VhostError) in
                try HeapCell(
                    try FixedBuffer(count: DeviceTable.maximumCount, repeating: UInt64(0)))
            }
            try System.startThread(OpaqueCell(times)) { cell in
                run(cell.cell(of: FixedBuffer<UInt64>.self))
            }
        } catch {
            isStarted.store(false, ordering: .releasing)
            throw error
        }
    }

    /// The thread's body; it lives as long as the process.
    private static func run(_ stuckSince: HeapCell<FixedBuffer<UInt64>>) {
        while true {
            System.sleep(microseconds: periodMicroseconds)
            for vid in 0..<DeviceTable.maximumCount {
                guard let device = DeviceTable.find(Int32(vid)), isListening(device),
                    isStuck(device)
                else {
                    stuckSince.value[vid] = 0
                    continue
                }
                let now = System.nanoseconds()
                if stuckSince.value[vid] == 0 { stuckSince.value[vid] = now }
                guard now &- stuckSince.value[vid] > patience else { continue }
                stuckSince.value[vid] = 0
                giveUp(device)
            }
        }
    }

    private static func isListening(_ device: HeapCell<Device>) -> Bool {
        device.lock.withLock {
            device.value.postcopy.isListening && !device.value.postcopy.isAbandoned
        }
    }

    /// True when a queue's lock is held for longer than any burst takes that does not wait.
    private static func isStuck(_ device: HeapCell<Device>) -> Bool {
        var isStuck = false
        device.forEachQueue { queue in
            let deadline = System.nanoseconds() &+ tryNanoseconds
            while !isStuck {
                if queue.lock.tryLock() {
                    queue.lock.unlock()
                    return
                }
                if System.nanoseconds() > deadline { isStuck = true }
            }
        }
        return isStuck
    }

    private static func giveUp(_ device: HeapCell<Device>) {
        let path = device.lock.withLock { device.value.path }
        Log.error { line in
            line.begin(path)
            line.add("the frontend does not fetch pages; migration and device end")
        }
        device.abandonPostcopy()
        MemoryGuard.noteFault()
        let number = event.load(ordering: .acquiring)
        if number >= 0 { System.signal(number) }
    }
}
