// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is told of sockets and devices. The names of the answer's fields are written down in
/// docs/control-socket.md.
extension FactWriter where Self: ~Copyable {
    /// A socket.
    mutating func addSocket(_ driver: DriverFacts) {
        openObject(nil)
        add("path", driver.path)
        add("state", words: Self.words(driver.state))
        add("role", words: driver.flags.isClient ? "client" : "server")
        add("flags", hex: driver.flags.rawValue)
        add("offered_features", hex: driver.features)
        add("offered_protocol_features", hex: driver.protocolFeatures)
        add("queue_pairs", UInt64(driver.queuePairs))
        add("hardware", driver.hasHardware)
        add("connections", driver.connectionCount)
        if let end = driver.lastEnd { addEnd("last_end", end) }
        if let refusal = driver.lastRefusal { addEnd("last_refusal", refusal) }
        closeObject()
    }

    private mutating func addEnd(_ key: StaticString, _ end: ConnectionEnd) {
        openObject(key)
        add("time_ns", end.time)
        if end.vid >= 0 { add("device", Int(end.vid)) }
        if end.request != 0 { addRequest("last_message", end.request) }
        if let error = end.error { addError(error) }
        if let refusal = end.refusal { addRecord("last_refused", refusal) }
        closeObject()
    }

    private static func words(_ state: Driver.State) -> StaticString {
        switch state {
        case .unused: "unused"
        case .registered: "registered"
        case .starting: "starting"
        case .started: "started"
        case .closing: "closing"
        }
    }

    /// A device, its object being open.
    mutating func addDevice(_ device: DeviceFacts) {
        add("device", Int(device.vid))
        add("connection", device.connection)
        add("socket", device.path)
        add("running", device.isRunning)
        add("draining", device.isDraining)
        add("net", device.isNet)
        add("hardware", device.hasHardware)
        add("queues", device.queueCount)
        add("packed", device.features & Feature.ringPacked != 0)
        let history = device.history
        add("messages", history.handled &+ history.refused)
        add("refused", history.refused)
    }

    /// What was negotiated with its frontend.
    mutating func addNegotiation(_ device: DeviceFacts) {
        addBits("features", device.features, offered: device.offeredFeatures) {
            FeatureNames.feature($0)
        }
        addBits(
            "protocol_features", device.protocolFeatures,
            offered: device.offeredProtocolFeatures
        ) { FeatureNames.protocolFeature($0) }
        add("mtu", UInt64(device.mtu))
        if device.status >= 0 { add("status", Int(device.status)) }
        add("backend_channel", device.hasBackendChannel)
        add("postcopy", device.isPostcopy)
        add("flags", hex: device.flags.rawValue)
    }

    private mutating func addBits(
        _ key: StaticString, _ bits: UInt64, offered: UInt64, _ name: (Int) -> StaticString?
    ) {
        openObject(key)
        add("bits", hex: bits)
        add("offered", hex: offered)
        addNames("names", bits, name)
        addNames("missing", offered & ~bits, name)
        closeObject()
    }

    private mutating func addNames(
        _ key: StaticString, _ bits: UInt64, _ name: (Int) -> StaticString?
    ) {
        openArray(key)
        for bit in 0..<64 where bits & 1 << UInt64(bit) != 0 {
            if let known = name(bit) { add(nil, words: known) } else { add(nil, bit) }
        }
        closeArray()
    }

    /// A region of the guest's memory.
    mutating func addRegion(_ region: MemoryTable.Region) {
        openObject(nil)
        add("guest", hex: region.guest)
        add("frontend", hex: region.frontend)
        add("host", hex: UInt64(region.host))
        add("size", hex: region.byteCount)
        closeObject()
    }

    /// The last messages, oldest first, the last one that was refused, and counters.
    mutating func addMessages(_ history: DeviceHistory) {
        openArray("last_messages")
        for index in 0..<history.count { addRecord(nil, history[index]) }
        closeArray()
        if let refusal = history.lastRefusal { addRecord("last_refused", refusal) }
        openObject("counters")
        let counters = history.counters
        for (index, counter) in DeviceCounter.rows.enumerated() {
            add(counter.name, counters[index])
        }
        closeObject()
    }

    private mutating func addRecord(_ key: StaticString?, _ record: MessageRecord) {
        openObject(key)
        addRequest("name", record.request ?? 0)
        add("time_ns", record.time)
        add("bytes", UInt64(record.byteCount))
        if let error = record.error { addError(error) }
        closeObject()
    }

    private mutating func addRequest(_ key: StaticString, _ request: UInt32) {
        if let known = Request(rawValue: request) {
            add(key, words: known.name)
        } else {
            add(key, words: "unknown")
            add("code", UInt64(request))
        }
    }

    private mutating func addError(_ error: VhostError) {
        add("error", error)
        if case .system(let code) = error { add("errno", Int(code)) }
    }
}
