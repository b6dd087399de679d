// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Which addresses a DMA engine understands: those of DPDK's EAL when it is in the process, else
/// virtual ones. Found once, when the first memory table or channel needs it.
enum EngineAddressing {
    private typealias ModeFunction = @convention(c) () -> UInt32
    private typealias TranslateFunction =
        @convention(c) (UnsafeRawPointer?) -> UInt64

    /// DPDK: RTE_IOVA_PA of `enum rte_iova_mode`.
    private static let physicalMode: UInt32 = 1

    /// Set by `prepare`; a plain value, so that the datapath reads it without a `once`.
    // SAFETY: written once, by `prepare`, before the first device exists.
    nonisolated(unsafe) private static var mode: UInt32 = 0
    // SAFETY: written once, by `prepare`, before the first device exists.
    nonisolated(unsafe) private static var translate: UnsafeMutableRawPointer? = nil

    /// True when engine addresses are physical and differ from one page to the next.
    @inline(__always)
    static var isPhysical: Bool {
        // SAFETY: written once, before the first device exists.
        unsafe mode == physicalMode
    }

    /// Asks the process for DPDK's EAL. Called before a driver is registered and started.
    static func prepare() {
        // SAFETY: the names are C strings; the functions have these types in every DPDK release.
        guard let found = unsafe crte_find_symbol("rte_eal_iova_mode"),
            let translation = unsafe crte_find_symbol("rte_mem_virt2iova")
        else { return }
        unsafe translate = translation
        // DPDK: RTE_IOVA_DC until rte_eal_init decides; it never changes its mind.
        let decided = unsafe unsafeBitCast(found, to: ModeFunction.self)()
        if unsafe mode != decided { unsafe mode = decided }
    }

    /// Bytes from a host address to the end of its page of 4 KiB, the least that is contiguous.
    static func bytesLeftOnPage(after host: UInt) -> Int { 4096 - Int(host & 0xfff) }

    /// The engine's address of a host byte; nil when the EAL does not know it (RTE_BAD_IOVA).
    static func physical(_ host: UInt) -> UInt? {
        // rte_mem_virt2iova translates the very byte, not its page.
        // SAFETY: as in prepare; the address is only looked up.
        guard let function = unsafe translate else { return nil }
        let address = unsafe unsafeBitCast(function, to: TranslateFunction.self)(
            UnsafeRawPointer(bitPattern: host))
        return address == UInt64.max ? nil : UInt(address)
    }
}
