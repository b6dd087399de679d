// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import ArgumentParser
import VhostControl

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#endif

/// `rtevhostctl capture`
struct Capture: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Packets of a socket's rings, to a pcapng file; ^C ends it.",
        discussion: """
            Both rings of the first queue pair, or those that --ring names. Each packet's comment is its
            virtio-net header. The process must allow it: RTEVHOSTSWIFT_CONTROL_CAPTURE.
            """)

    @OptionGroup var common: Common

    @Option(name: .shortAndLong, help: "The file; - for standard output.", completion: .file())
    var write: String

    @Option(name: .shortAndLong, help: "A ring; may be given several times.")
    var ring: [Int] = []

    @Option(name: .shortAndLong, help: "The device, where a socket has several.")
    var device: Int?

    @Option(name: .long, help: "Most bytes of a packet.")
    var packetBytes = 1 << 18

    @Option(name: .long, help: "Most megabytes of the file.")
    var size = 100.0

    @Option(name: [.customShort("n"), .long], help: "End after so many packets.")
    var count: Int?

    @Option(name: .shortAndLong, help: "End after so many seconds.")
    var seconds: Double?

    @Argument(help: "The socket.", completion: .file())
    var socket: String

    func validate() throws {
        guard ring.count <= 8, Set(ring).count == ring.count, ring.allSatisfy({ $0 >= 0 }) else {
            throw ValidationError("at most eight rings, each once")
        }
        guard packetBytes > 0, packetBytes <= 1 << 18 else {
            throw ValidationError("the bytes of a packet are from 1 to \(1 << 18)")
        }
        guard size > 0, size <= 1_000_000, count ?? 1 > 0, seconds ?? 1 > 0,
            seconds ?? 1 <= 1_000_000
        else { throw ValidationError("size, count and seconds are more than 0") }
    }

    func run() throws {
        Interrupt.watch()
        // A limit of the file's size is an error of write() then, which can be told.
        signal(SIGXFSZ, SIG_IGN)
        let client = try common.client()
        let device = try chosen(client.look(at: socket, command: "list"))
        let rings = ring.isEmpty ? [0, 1] : ring
        let file = try CaptureFile(path: write, limit: Int(size * 1_000_000))
        let session = try CaptureSession(
            client,
            rings: rings.map {
                CaptureRingName(device: device.device, ring: $0, connection: device.connection)
            },
            packetBytes: packetBytes, file: file,
            limits: CaptureLimits(
                packets: count, nanoseconds: seconds.map { UInt64($0 * 1_000_000_000) }))
        tell(try session.run { Interrupt.hasCome })
    }

    private func chosen(_ snapshot: Snapshot) throws -> DeviceState {
        let states = snapshot.devices ?? []
        if let found = states.first(where: { $0.device == device }) { return found }
        let devices = states.map(\.device)
        guard device == nil, devices.count == 1 else {
            throw ValidationError(
                devices.isEmpty
                    ? "\(socket) has no device: nobody is connected"
                    : "\(socket) has the devices \(devices.map { "\($0)" }.joined(separator: ", "))"
                        + ": choose with --device")
        }
        return states[0]
    }

    /// Says what it came to, where it is not in the way of the packets.
    private func tell(_ summary: CaptureSummary) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = (try? encoder.encode(summary)).map { String(decoding: $0, as: UTF8.self) }
        let text = (common.json ? json ?? "" : summary.text) + "\n"
        if common.json, write != "-" {
            Common.put(text)
        } else {
            _ = Screen.put(text, to: 2)
        }
    }
}
