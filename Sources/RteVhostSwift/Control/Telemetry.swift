// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// Commands of DPDK's telemetry: what the control socket tells, for `dpdk-telemetry.py`. They run on
/// DPDK's threads and take no lock of the data path.
enum Telemetry {
    private static let isRegistered = Atomic<Bool>(false)
    private static let looker = LazyCell<Inspector>()

    /// Registers the commands, once, if DPDK's telemetry is in the process.
    static func register() {
        guard !isRegistered.load(ordering: .relaxed), let library = TelemetryLibrary(),
            !isRegistered.exchange(true, ordering: .acquiringAndReleasing)
        else { return }
        // SAFETY: the library calls with its own structure, and a C string or NULL.
        unsafe library.register(
            "/vhost/sockets",
            { _, _, answer in
                unsafe Telemetry.listSockets(TelemetryAnswer(answer))
            },
            help: "Returns the paths of vhost sockets. Takes no parameters")
        unsafe library.register(
            "/vhost/list",
            { _, _, answer in
                unsafe Telemetry.listDevices(TelemetryAnswer(answer))
            },
            help: "Returns the numbers of vhost devices. Takes no parameters")
        unsafe library.register(
            "/vhost/show",
            { _, text, answer in
                unsafe Telemetry.showDevice(Telemetry.numbers(text), TelemetryAnswer(answer))
            },
            help: "Returns what is known of a vhost device. Parameters: int vid")
        unsafe library.register(
            "/vhost/ring",
            { _, text, answer in
                unsafe Telemetry.showRing(Telemetry.numbers(text), TelemetryAnswer(answer))
            },
            help: "Returns what is known of a ring. Parameters: int vid, int ring")
    }

    private static func listSockets(_ answer: TelemetryAnswer?) -> Int32 {
        guard let answer, let library = TelemetryLibrary() else { return -1 }
        library.startTexts(answer)
        var index = 0
        // More than 512 elements are refused by the library.
        while let (found, driver) = DriverFacts.next(from: index) {
            library.append(TelemetryWriter.text(driver.path), to: answer)
            index = found + 1
        }
        return 0
    }

    private static func listDevices(_ answer: TelemetryAnswer?) -> Int32 {
        guard let answer, let library = TelemetryLibrary() else { return -1 }
        library.startNumbers(answer)
        return look { inspector in
            for vid in 0..<DeviceTable.maximumCount where inspector.device(vid) != nil {
                library.append(Int32(vid), to: answer)
            }
            return 0
        }
    }

    private static func showDevice(
        _ numbers: (first: Int, second: Int?)?, _ answer: TelemetryAnswer?
    ) -> Int32 {
        guard let answer, let library = TelemetryLibrary(),
            let vid = numbers?.first
        else { return -1 }
        return look { inspector in
            guard let device = inspector.device(vid) else { return -1 }
            var writer = TelemetryWriter(library, answer)
            writer.addDevice(device)
            writer.addNegotiation(device)
            let count = inspector.memory(of: vid) { inspector.regionCount($0) }
            if let count { writer.add("memory_regions", count) }
            writer.addMessages(device.history)
            return 0
        }
    }

    private static func showRing(
        _ numbers: (first: Int, second: Int?)?, _ answer: TelemetryAnswer?
    ) -> Int32 {
        guard let answer, let library = TelemetryLibrary(),
            let (vid, second) = numbers, let index = second
        else { return -1 }
        return look { inspector in
            guard let device = inspector.device(vid), let queue = inspector.queue(vid, index)
            else { return -1 }
            var writer = TelemetryWriter(library, answer)
            inspector.tell(queue, of: device, &writer)
            return 0
        }
    }

    /// Looks with buffers that one thread has at a time.
    private static func look(_ body: (borrowing Inspector) -> Int32) -> Int32 {
        guard
            let cell = try? looker.get({ () throws(VhostError) in try HeapCell(try Inspector()) })
        else { return -1 }
        cell.lock.lock()
        defer { cell.lock.unlock() }
        return body(cell.value)
    }

    /// One number or two, with a comma between them.
    private static func numbers(_ text: UnsafePointer<CChar>?) -> (first: Int, second: Int?)? {
        guard let text = unsafe text else { return nil }
        var values = (first: 0, second: Optional<Int>.none)
        var digits = 0
        // DPDK's telemetry takes requests of at most a kilobyte.
        for index in 0..<24 {
            // SAFETY: a C string is read up to its closing zero.
            let byte = unsafe UInt8(bitPattern: text[index])
            if byte == 0 { return digits > 0 ? values : nil }
            if byte == UInt8(ascii: ","), digits > 0, values.second == nil {
                values.second = 0
                digits = 0
                continue
            }
            guard let digit = byte.decimalValue, digits < 6 else { return nil }
            digits += 1
            if let second = values.second {
                values.second = second * 10 + Int(digit)
            } else {
                values.first = values.first * 10 + Int(digit)
            }
        }
        return nil
    }
}
