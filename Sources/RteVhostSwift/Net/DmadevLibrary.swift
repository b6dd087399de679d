// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// DPDK's librte_dmadev in this process, found by name.
@safe
struct DmadevLibrary: @unchecked Sendable {
    private typealias ValidFunction = @convention(c) (Int16) -> Bool
    private typealias InfoFunction =
        @convention(c) (Int16, UnsafeMutablePointer<crte_dma_info>?) -> Int32
    private typealias StatisticsFunction =
        @convention(c) (Int16, UInt16, UnsafeMutablePointer<crte_dma_statistics>?) -> Int32

    /// DPDK: RTE_DMA_CAPA_MEM_TO_MEM and RTE_DMA_CAPA_OPS_COPY.
    private static let copies: UInt64 = 1 | 1 << 32

    private let valid: ValidFunction
    private let info: InfoFunction
    private let statistics: StatisticsFunction
    private let entries: UnsafeMutablePointer<UnsafeMutablePointer<crte_dma_functions>?>

    /// The library; nil when the process has none.
    init?() {
        // SAFETY: the names are C strings; the symbols have these types in every release of DPDK
        // that has them.
        guard let valid = unsafe crte_find_symbol("rte_dma_is_valid"),
            let info = unsafe crte_find_symbol("rte_dma_info_get"),
            let statistics = unsafe crte_find_symbol("rte_dma_stats_get"),
            let entries = unsafe crte_find_symbol("rte_dma_fp_objs")
        else { return nil }
        self.valid = unsafe unsafeBitCast(valid, to: ValidFunction.self)
        unsafe self.info = unsafeBitCast(info, to: InfoFunction.self)
        unsafe self.statistics = unsafeBitCast(statistics, to: StatisticsFunction.self)
        unsafe self.entries = entries.assumingMemoryBound(
            to: UnsafeMutablePointer<crte_dma_functions>?.self)
    }

    /// True while there is a device of this number.
    func has(_ device: Int16) -> Bool { device >= 0 && valid(device) }

    /// A device's functions. Throws `notFound` without device, `unsupported` for one that does not
    /// copy.
    func device(_ number: Int16) throws(VhostError) -> DmadevDevice {
        // SAFETY: the array has an entry for each number that is valid.
        guard has(number), let base = unsafe entries.pointee else { throw .notFound }
        guard let device = unsafe DmadevDevice(base + Int(number)) else { throw .unsupported }
        return device
    }

    /// How many channels a device may have, and how many it has. Throws `notFound`; `unsupported`
    /// for one that says it does not copy.
    func channelCounts(
        _ device: Int16
    ) throws(VhostError) -> (most: Int, configured: Int) {
        // SAFETY: zero is a valid value; the structure is as large as any release's.
        var result = unsafe crte_dma_info()
        guard has(device), unsafe info(device, &result) == 0 else { throw .notFound }
        guard unsafe result.capabilities & Self.copies == Self.copies else { throw .unsupported }
        return unsafe (Int(result.max_channels), Int(result.channels))
    }

    /// True when a device says of a channel that nothing is under way; nil when it does not tell.
    func isIdle(_ device: Int16, _ channel: UInt16) -> Bool? {
        // SAFETY: as above.
        var result = crte_dma_statistics()
        guard unsafe statistics(device, channel, &result) == 0 else { return nil }
        return result.submitted == result.completed
    }
}
