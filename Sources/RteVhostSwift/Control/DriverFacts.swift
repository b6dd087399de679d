// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is told of a socket. Copied under the registry's lock, which no burst takes.
struct DriverFacts {
    /// The socket's path.
    let path: SocketPath
    /// Where the driver stands.
    let state: Driver.State
    /// RTE_VHOST_USER_…
    let flags: DriverFlags
    /// Features offered.
    let features: UInt64
    /// Protocol features offered.
    let protocolFeatures: UInt64
    /// Queue pairs offered.
    let queuePairs: UInt32
    /// Hardware serves its devices.
    let hasHardware: Bool
    /// Connections that became devices.
    let connectionCount: UInt64
    /// How the last one ended.
    let lastEnd: ConnectionEnd?
    /// Why the last one that became no device did not.
    let lastRefusal: ConnectionEnd?

    /// Of a driver, with the registry's lock held.
    init(_ driver: HeapCell<Driver>) {
        path = driver.value.path
        state = driver.value.state
        flags = driver.value.flags
        features = driver.value.features
        protocolFeatures = driver.value.protocolFeatures
        queuePairs = driver.value.queuePairs
        hasHardware = driver.value.vdpa != nil
        connectionCount = driver.value.connectionCount
        lastEnd = driver.value.lastEnd
        lastRefusal = driver.value.lastRefusal
    }

    /// The driver of the first cell from `index` on that is in use, and its index.
    static func next(from index: Int) -> (index: Int, facts: DriverFacts)? {
        guard let loop = Library.existing else { return nil }
        var index = index
        while true {
            let (isEnd, facts) = loop.value.registry.lock.withLock {
                () -> (Bool, DriverFacts?) in
                guard let cell = loop.value.registry.value.cell(index) else { return (true, nil) }
                return (false, cell.value.state == .unused ? nil : DriverFacts(cell))
            }
            if isEnd { return nil }
            if let facts { return (index, facts) }
            index += 1
        }
    }
}
