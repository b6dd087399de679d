// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is wrong in a process, from two looks at it a moment apart: what moved in between works.
public struct Diagnosis {
    private let before: Snapshot
    private let after: Snapshot
    /// What was found.
    public private(set) var findings: [Finding] = []

    /// Compares two looks.
    public init(before: Snapshot, after: Snapshot) {
        self.before = before
        self.after = after
        for socket in after.sockets ?? [] { check(socket) }
        for device in after.devices ?? [] { check(device) }
    }

    private mutating func add(
        _ level: Finding.Level, _ cause: String, _ place: Place, _ words: String
    ) {
        findings.append(
            Finding(
                level: level, cause: cause, socket: place.socket, device: place.device,
                ring: place.ring, words: words))
    }

    /// What a finding is about.
    private struct Place {
        var socket: String
        var device: Int?
        var ring: Int?
    }

    private mutating func check(_ socket: SocketState) {
        let place = Place(socket: socket.path)
        guard socket.state == "started" else {
            return add(
                .problem, "socket-not-started", place,
                "\(socket.state), not started: the application has not called "
                    + "rte_vhost_driver_start()")
        }
        if after.devices?.contains(where: { $0.socket == socket.path }) ?? false { return }
        if let refusal = socket.lastRefusal, refusal.timeNs >= socket.lastEnd?.timeNs ?? 0 {
            let why = refusal.error ?? "unknown"
            if socket.role == "client" {
                add(.problem, "nobody-connected", place, "cannot connect: \(why)")
            } else {
                add(.problem, "peer-refused", place, "the last peer was refused: \(why)")
            }
        }
        guard let end = socket.lastEnd else {
            guard socket.lastRefusal == nil else { return }
            let who = socket.role == "client" ? "nobody listens there yet" : "no frontend came yet"
            return add(.problem, "nobody-connected", place, who)
        }
        let last = end.lastMessage.map { ", after \($0)" } ?? ""
        if let error = end.error {
            add(.problem, "connection-lost", place, "the last connection ended\(last): \(error)")
        } else {
            let refused = end.lastRefused.map {
                "; \($0.name) had been refused: \($0.error ?? "unknown")"
            }
            add(
                .problem, "nobody-connected", place,
                "the frontend closed the last connection\(last), and has not come back"
                    + (refused ?? ""))
        }
    }

    private mutating func check(_ device: DeviceState) {
        let place = Place(socket: device.socket, device: device.device)
        if device.draining {
            return add(
                .problem, "engine-stuck", place,
                "the connection is gone, but the DMA engine does not finish its copies")
        }
        if let refused = device.lastRefused {
            add(
                .warning, "message-refused", place,
                "\(refused.name) was refused: \(refused.error ?? "unknown")")
        }
        checkNegotiation(device, place)
        let rings = device.rings ?? []
        guard !rings.isEmpty else {
            return add(
                .problem, "no-rings", place,
                "the frontend has not set up any ring: the guest's driver is not loaded yet")
        }
        let earlier = before.devices?.first {
            $0.device == device.device && $0.socket == device.socket
        }
        for ring in rings {
            var place = place
            place.ring = ring.ring
            let past = earlier?.rings?.first { $0.ring == ring.ring }
            check(ring, since: past ?? ring, place)
        }
    }

    private mutating func checkNegotiation(_ device: DeviceState, _ place: Place) {
        guard let features = device.features, let protocolFeatures = device.protocolFeatures else {
            return
        }
        if let memory = device.memory, memory.isEmpty {
            add(.problem, "no-memory", place, "the frontend has not shared the guest's memory")
        }
        // virtio 1.2, 2.1: DRIVER_OK.
        if protocolFeatures.has("VHOST_USER_PROTOCOL_F_STATUS"), let status = device.status,
            status & 4 == 0
        {
            add(
                .problem, "driver-not-ready", place,
                "the guest's driver has not set DRIVER_OK, status is \(status)")
        }
        if features.has("VIRTIO_F_ACCESS_PLATFORM"), device.backendChannel == false {
            add(
                .problem, "no-backend-channel", place,
                "behind an IOMMU, but without the channel to ask for translations")
        }
        guard device.net else { return }
        let wanted = [
            ("VIRTIO_NET_F_MRG_RXBUF", "a packet longer than one buffer cannot reach the guest"),
            ("VIRTIO_F_VERSION_1", "the guest's driver is a legacy one"),
            ("VHOST_USER_F_PROTOCOL_FEATURES", "neither several queues nor replies are negotiated"),
        ]
        for (name, effect) in wanted where features.lacks(name) {
            add(
                .warning, "feature-missing", place,
                "\(name) is offered and was not taken: \(effect)")
        }
    }
}

extension Diagnosis {
    private mutating func check(_ ring: RingState, since past: RingState, _ place: Place) {
        if ring.broken {
            add(
                .problem, "ring-broken", place,
                "the guest broke the ring: its index is further ahead than there are slots; "
                    + "its driver has to set the device up anew")
        }
        if ring.size == 0 || ring.frontendAddresses == nil {
            return add(
                .problem, "ring-not-set-up", place,
                "the frontend has not told \(ring.size == 0 ? "the ring's size" : "where it is")")
        }
        if ring.kick == "missing" {
            add(.problem, "no-kick", place, "SET_VRING_KICK has not come, the ring cannot start")
        } else if ring.awaitsTranslation || (ring.iotlb?.unanswered ?? 0) > 0 {
            let count = ring.iotlb?.unanswered ?? 0
            add(
                .problem, "iotlb-unanswered", place,
                "\(count) addresses were asked for and the frontend has not answered"
                    + (ring.awaitsTranslation ? ", the ring itself waits for one" : ""))
        } else if !ring.started {
            add(
                .problem, "ring-not-started", place,
                "its addresses are not in the memory that the frontend shared")
        }
        if ring.call == "missing" {
            add(
                .problem, "no-call", place,
                "SET_VRING_CALL has not come, the application is not told of the ring")
        }
        if !ring.enabled {
            add(
                .problem, "ring-not-enabled", place,
                "not enabled: the guest's driver uses fewer queues, or has stopped this one")
        }
        checkEngine(ring, since: past, place)
        guard ring.started, ring.enabled, !ring.broken else { return }
        checkTraffic(ring, since: past, place)
    }

    private mutating func checkEngine(
        _ ring: RingState, since past: RingState, _ place: Place
    ) {
        let moved = ring.counter("packets") != past.counter("packets")
        if ring.engineStuck || ring.paused {
            add(
                .problem, "engine-stuck", place,
                "the DMA engine does not finish its copies, the ring waits for it")
        } else if ring.engine.copying > 0, past.engine.copying > 0, !moved {
            add(
                .problem, "engine-stuck", place,
                "\(ring.engine.copying) packets are with the DMA engine, and none came back")
        }
        if ring.counter("engine_errors") > past.counter("engine_errors") {
            add(.problem, "engine-errors", place, "the DMA engine reports errors")
        }
        if ring.counter("engine_refused") > past.counter("engine_refused") {
            add(.warning, "engine-refuses", place, "the DMA engine is full, and refuses copies")
        }
    }

    private mutating func checkTraffic(
        _ ring: RingState, since past: RingState, _ place: Place
    ) {
        if ring.isToGuest, ring.available == 0, past.available == 0 {
            add(
                .problem, "guest-has-no-buffers", place,
                "the guest offers no buffers: nothing can be given to it")
        }
        let isIdle = ring.counter("packets") == past.counter("packets")
        let waits = ring.counter("pool_empty") > past.counter("pool_empty")
        if waits {
            add(
                .problem, "pool-empty", place,
                "the mbuf pool is empty: it is too small, or the application keeps its packets")
        }
        if !ring.isToGuest, isIdle, !waits, ring.engine.copying == 0,
            (ring.iotlb?.unanswered ?? 0) == 0, let offered = ring.available, offered > 0,
            (past.available ?? 0) > 0
        {
            add(
                .problem, "application-does-not-poll", place,
                "the guest has sent \(offered) packets or more, and nobody fetches them")
        }
        for (name, count) in ring.counters.sorted(by: { $0.key < $1.key })
        where name.hasPrefix("dropped") && count > past.counter(name) {
            let words = name.dropFirst("dropped_".count).split(separator: "_")
                .joined(separator: " ")
            add(
                .problem, "drops", place,
                "\(count - past.counter(name)) packets of the guest were dropped now: \(words)")
        }
    }
}
