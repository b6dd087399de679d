// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes the packets of some rings of a device to a file.
public final class CaptureSession {
    /// Bytes of an interface's last block.
    private static let lastBlock = 56

    private let sources: [CaptureSource]
    private let file: CaptureFile
    private let limits: CaptureLimits
    private let start = CaptureSession.clock(CLOCK_MONOTONIC)
    /// From the process's clock to the time of day.
    private let offset: UInt64
    private var summary: CaptureSummary

    /// Asks for some rings of a device, and begins the file. Throws `ControlFault`.
    public init(
        _ client: ControlClient, rings: [CaptureRingName], packetBytes: Int, file: CaptureFile,
        limits: CaptureLimits
    ) throws {
        sources = try rings.map { try CaptureSource(client, $0, packetBytes: packetBytes) }
        self.file = file
        self.limits = limits
        summary = CaptureSummary(file: file.path)
        offset = Self.clock(CLOCK_REALTIME) &- Self.clock(CLOCK_MONOTONIC)
        var blocks = Pcapng.section(application: "rtevhostctl 0.1.0")
        for source in sources {
            guard let head = source.head else { continue }
            blocks += Pcapng.interface(name: head.name, packetBytes: head.packetBytes)
        }
        guard file.add(blocks, reserve: Self.lastBlock * sources.count) else {
            throw ControlFault.system("the size is too small for any packet", path: file.path)
        }
        try file.flush()
    }

    /// Captures until a limit is reached, the device is gone, or the user wants no more. Throws
    /// `ControlFault`; the packets so far are in the file then.
    public func run(isStopped: () -> Bool) throws -> CaptureSummary {
        var reason: CaptureSummary.Reason?
        repeat {
            try wait()
            reason = try write()
            if reason == nil { reason = ending(isStopped()) }
            try file.flush()
        } while reason == nil
        if reason == .user || reason == .time { reason = try drain() ?? reason }
        summary.ended = reason ?? .user
        for (index, source) in sources.enumerated() {
            summary.lost += source.lost
            _ = file.add(
                Pcapng.statistics(
                    interface: index, time: Self.clock(CLOCK_REALTIME),
                    received: source.packetCount, lost: source.lost))
        }
        try file.flush()
        summary.bytes = file.byteCount
        return summary
    }

    /// Takes what is still on its way, a second long at most: what the file has no room for, if so.
    /// Only then is it known how many packets were left out.
    private func drain() throws -> CaptureSummary.Reason? {
        for source in sources where !source.hasEnded { source.finish() }
        let end = Self.clock(CLOCK_MONOTONIC) &+ 1_000_000_000
        while !sources.allSatisfy(\.hasEnded), Self.clock(CLOCK_MONOTONIC) < end {
            try wait()
            if let reason = try write() { return reason }
            try file.flush()
        }
        return nil
    }

    private func ending(_ isStopped: Bool) -> CaptureSummary.Reason? {
        if isStopped { return .user }
        if sources.allSatisfy(\.hasEnded) { return .device }
        if let limit = limits.nanoseconds, Self.clock(CLOCK_MONOTONIC) &- start >= limit {
            return .time
        }
        return nil
    }

    /// Waits for packets, a tenth of a second at most.
    private func wait() throws {
        var entries = sources.map {
            pollfd(fd: $0.hasEnded ? -1 : $0.number, events: Int16(POLLIN), revents: 0)
        }
        guard poll(&entries, nfds_t(entries.count), 100) > 0 else { return }
        for (entry, source) in zip(entries, sources) where entry.revents != 0 {
            try source.read()
        }
    }

    /// Puts what came into the file; why it has to end, if it has.
    private func write() throws -> CaptureSummary.Reason? {
        for (index, source) in sources.enumerated() {
            while let (packet, lost) = try source.next() {
                if let limit = limits.packets, summary.packets >= limit { return .count }
                let block = Pcapng.packet(
                    packet, interface: index, time: packet.time &+ offset,
                    isToGuest: source.head?.isToGuest ?? false, lost: lost)
                guard file.add(block, reserve: Self.lastBlock * sources.count) else {
                    return .size
                }
                summary.packets += 1
            }
        }
        return limits.packets.map { summary.packets >= $0 } ?? false ? .count : nil
    }

    private static func clock(_ id: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(id, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
