// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What people read of a process, in the manner of VPP's `show vhost-user`.
public struct Report {
    /// The lines.
    public private(set) var text = ""
    private let now: UInt64

    private mutating func line(_ indent: Int, _ words: String) {
        text += String(repeating: " ", count: indent) + words + "\n"
    }

    /// Sockets and their devices in short.
    public init(list snapshot: Snapshot) {
        now = snapshot.timeNs ?? 0
        head(snapshot)
        for socket in snapshot.sockets ?? [] {
            let devices = (snapshot.devices ?? []).filter { $0.socket == socket.path }
            line(
                0,
                "\(socket.path): \(socket.role), \(socket.state), "
                    + "\(socket.connections) connections so far")
            if devices.isEmpty { addEnds(socket) }
            for device in devices { line(2, words(device)) }
        }
    }

    /// All of it.
    public init(show snapshot: Snapshot) {
        now = snapshot.timeNs ?? 0
        head(snapshot)
        for socket in snapshot.sockets ?? [] {
            line(0, "")
            line(0, "socket \(socket.path): \(socket.role), \(socket.state)")
            line(2, "queue pairs offered \(socket.queuePairs), connections \(socket.connections)")
            addEnds(socket)
            for device in snapshot.devices ?? [] where device.socket == socket.path {
                add(device)
            }
        }
    }

    private mutating func head(_ snapshot: Snapshot) {
        line(0, "process \(snapshot.process ?? 0), librtevhostswift \(snapshot.library ?? "?")")
    }

    /// How the last connection ended, and why there was none since or before.
    private mutating func addEnds(_ socket: SocketState) {
        if let end = socket.lastEnd {
            let after = end.lastMessage.map { ", after \($0)" } ?? ""
            let why = end.error ?? "closed by the frontend"
            line(2, "last connection ended \(age(end.timeNs)) ago\(after): \(why)")
            if let refused = end.lastRefused, refused.error != end.error {
                line(4, words(refused))
            }
        }
        if let refusal = socket.lastRefusal {
            let what = socket.role == "client" ? "last attempt failed" : "last peer was refused"
            line(2, "\(what) \(age(refusal.timeNs)) ago: \(refusal.error ?? "unknown")")
        }
    }

    private func words(_ refused: MessageState) -> String {
        "last refused: \(age(refused.timeNs)) ago \(refused.name): \(refused.error ?? "unknown")"
    }

    private func words(_ device: DeviceState) -> String {
        let state = device.draining ? "draining" : device.running ? "running" : "not running"
        let connection = device.connection.map { ", connection \($0)" } ?? ""
        return "device \(device.device): \(state), \(device.queues) queues, "
            + "\(device.messages) messages, \(device.refused) refused\(connection)"
    }

    /// How long ago something was, to a precision that tells something.
    private func age(_ time: UInt64) -> String {
        let milliseconds = (now > time ? now - time : 0) / 1_000_000
        if milliseconds < 10_000 { return "\(milliseconds) ms" }
        let seconds = milliseconds / 1000
        return seconds < 600 ? "\(seconds) s" : "\(seconds / 60) min"
    }
}

extension Report {
    private mutating func add(_ device: DeviceState) {
        line(2, words(device))
        if let features = device.features { add("features", features) }
        if let features = device.protocolFeatures { add("protocol features", features) }
        var facts = ["mtu \(device.mtu ?? 0)"]
        if let status = device.status { facts.append("status \(status)") }
        facts.append("channel to the frontend: \(device.backendChannel ?? false ? "yes" : "no")")
        line(4, facts.joined(separator: ", "))
        // A look that the system forbids, or that came while it changed again and again.
        line(4, "memory: \(device.memory.map { "\($0.count) regions" } ?? "unknown")")
        for (index, region) in (device.memory ?? []).enumerated() {
            line(
                6,
                "\(index): guest \(region.guest) frontend \(region.frontend) "
                    + "host \(region.host) size \(region.size)")
        }
        for ring in device.rings ?? [] { add(ring) }
        line(4, "last messages:")
        for message in device.lastMessages ?? [] {
            let result = message.error.map { ": refused, \($0)" } ?? ""
            line(6, "\(age(message.timeNs)) ago \(message.name)\(result)")
        }
        if let refused = device.lastRefused { line(4, words(refused)) }
    }

    private mutating func add(_ title: String, _ bits: BitState) {
        line(4, "\(title) \(bits.bits):")
        for name in bits.names { line(6, name.text) }
        guard !bits.missing.isEmpty else { return }
        line(6, "offered and not taken:")
        var row = ""
        for name in bits.missing.map(\.text) {
            if !row.isEmpty, row.count + name.count > 80 {
                line(8, row)
                row = ""
            }
            row += (row.isEmpty ? "" : " ") + name
        }
        line(8, row)
    }

    private mutating func add(_ ring: RingState) {
        line(4, "ring \(ring.ring) (\(ring.direction)): \(ring.format), size \(ring.size)")
        var states = [ring.enabled ? "enabled" : "not enabled"]
        states.append(ring.started ? "started" : "not started")
        if ring.paused { states.append("paused") }
        if ring.engineStuck { states.append("engine stuck") }
        if ring.awaitsTranslation { states.append("waits for a translation") }
        if ring.broken { states.append("broken by the guest") }
        states += ["kick \(ring.kick)", "call \(ring.call)"]
        line(6, states.joined(separator: ", "))
        let offered = ring.available.map { ", guest offers \($0)" } ?? ""
        line(6, "next available \(ring.nextAvailable), next used \(ring.nextUsed)\(offered)")
        if let given = ring.frontendAddresses { add("frontend", given) }
        if let places = ring.hostAddresses { add("host", places) }
        if ring.engine.attached {
            line(
                6,
                "engine attached, \(ring.engine.inFlight) in flight, "
                    + "\(ring.engine.copying) copying")
        } else {
            line(6, "no engine")
        }
        if let iotlb = ring.iotlb {
            line(
                6,
                "iotlb: \(iotlb.entries) entries, \(iotlb.hits) hits, "
                    + "\(iotlb.misses) misses, \(iotlb.unanswered) unanswered")
        }
        let counters = ring.counters.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        line(
            6,
            "counters: "
                + (counters.isEmpty
                    ? "all zero" : counters.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        )
    }

    private mutating func add(_ title: String, _ addresses: RingState.Addresses) {
        line(
            6,
            "\(title): descriptors \(addresses.descriptors) "
                + "available \(addresses.available) used \(addresses.used)")
    }
}
