// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rtevhostswift_dma.h: each function checks its arguments, calls one method and turns the error
// into errno.

/// Sets errno; -1.
private func fail(_ error: VhostError) -> Int32 {
    crte_set_errno(error.posixCode)
    return -1
}

/// Runs `body`; 0, or -1 with errno set.
private func report(_ body: () throws(VhostError) -> Void) -> Int32 {
    do throws(VhostError) {
        try body()
        return 0
    } catch {
        return fail(error)
    }
}

/// A virtqueue's key. Throws `error` when there can be none.
private func key(
    _ vid: Int32, _ queue: UInt16, orThrow error: VhostError
) throws(VhostError) -> UInt32 {
    guard let key = SoftwareChannelTable.key(vid: vid, queue: queue) else { throw error }
    return key
}

/// The configuration that a program gave. Throws `invalidArgument`.
private func configuration(
    _ config: UnsafePointer<rtevhostswift_dma_config>?
) throws(VhostError) -> SoftwareEngine.Configuration {
    // SAFETY: the caller's structure, or NULL.
    let given = unsafe config?.pointee ?? rtevhostswift_dma_config()
    guard given.reserved == (0, 0, 0, 0, 0, 0) else { throw .invalidArgument }
    return try SoftwareEngine.Configuration(
        ringSize: Int(given.ring_size),
        processor: given.cpu_plus_one == 0 ? nil : Int(given.cpu_plus_one) - 1)
}

/// `rtevhostswift_dma_create`: the engine, or NULL with errno set.
@_cdecl("rtevhostswift_dma_create")
public func rtevhostswift_dma_create(
    _ config: UnsafePointer<rtevhostswift_dma_config>?
) -> OpaquePointer? {
    do throws(VhostError) {
        let engine = try SoftwareEngines.create(try unsafe configuration(config))
        return unsafe OpaquePointer(engine.opaque)
    } catch {
        _ = fail(error)
        return nil
    }
}

/// `rtevhostswift_dma_destroy`: 0, or -1 with errno set.
@_cdecl("rtevhostswift_dma_destroy")
public func rtevhostswift_dma_destroy(_ engine: OpaquePointer?) -> Int32 {
    // The address is looked for among the engines there are, and not followed.
    let address = UInt(bitPattern: engine)
    return report { () throws(VhostError) in try SoftwareEngines.destroy(address) }
}

/// `rtevhostswift_dma_attach`: 0, or -1 with errno set.
@_cdecl("rtevhostswift_dma_attach")
public func rtevhostswift_dma_attach(
    _ engine: OpaquePointer?, _ vid: Int32, _ queue: UInt16
) -> Int32 {
    let address = UInt(bitPattern: engine)
    return report { () throws(VhostError) in
        try SoftwareEngines.attach(address, key: try key(vid, queue, orThrow: .invalidArgument))
    }
}

/// `rtevhostswift_dma_detach`: 0, or -1 with errno set.
@_cdecl("rtevhostswift_dma_detach")
public func rtevhostswift_dma_detach(_ vid: Int32, _ queue: UInt16) -> Int32 {
    report { () throws(VhostError) in
        try SoftwareEngines.detach(try key(vid, queue, orThrow: .notFound))
    }
}

/// `rtevhostswift_dma_ops`: the callbacks; NULL only without memory.
@_cdecl("rtevhostswift_dma_ops")
public func rtevhostswift_dma_ops() -> UnsafeMutablePointer<rte_vhost_async_channel_ops>? {
    // SAFETY: the cell holds such a table and is never freed.
    unsafe (try? SoftwareEngines.operations())?.opaque.assumingMemoryBound(
        to: rte_vhost_async_channel_ops.self)
}

/// `rtevhostswift_dma_stats_get`: 0, or -1 with errno set.
@_cdecl("rtevhostswift_dma_stats_get")
public func rtevhostswift_dma_stats_get(
    _ vid: Int32, _ queue: UInt16, _ stats: UnsafeMutablePointer<rtevhostswift_dma_stats>?
) -> Int32 {
    guard let stats = unsafe stats else { return fail(.invalidArgument) }
    return report { () throws(VhostError) in
        let key = try key(vid, queue, orThrow: .notFound)
        // SAFETY: the caller's structure.
        unsafe stats.pointee = try SoftwareEngines.withChannel(key) { $0.statistics() }
    }
}

/// `rtevhostswift_dma_inject`: 0, or -1 with errno set.
@_cdecl("rtevhostswift_dma_inject")
public func rtevhostswift_dma_inject(
    _ vid: Int32, _ queue: UInt16, _ faults: UnsafePointer<rtevhostswift_dma_faults>?
) -> Int32 {
    // SAFETY: the caller's structure, or NULL.
    let given = unsafe SoftwareFaults(faults?.pointee ?? rtevhostswift_dma_faults())
    return report { () throws(VhostError) in
        let key = try key(vid, queue, orThrow: .notFound)
        try SoftwareEngines.withChannel(key) { $0.inject(given) }
    }
}
