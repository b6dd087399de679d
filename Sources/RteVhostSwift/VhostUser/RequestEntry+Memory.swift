// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Rows of the guest's memory, and of its migration.
extension RequestEntry {
    /// The row of one of these requests.
    static func memoryEntry(_ request: Request) -> RequestEntry {
        switch request {
        case .setMemoryTable:
            return .init(
                request, payload: 0...264, descriptors: 0...8, Handlers.setMemoryTable)
        case .setLogBase:
            // vhost-user: without this bit no file may come with the message.
            return .init(
                request, payload: 16...16, descriptors: 1...1, needs: ProtocolFeature.logFile,
                Handlers.setLogBase)
        case .setLogDescriptor:
            return .init(
                request, payload: 0...0, descriptors: 1...1, Handlers.setLogDescriptor)
        case .getMaximumMemorySlots:
            return .init(
                request, payload: 0...0, needs: ProtocolFeature.memorySlots,
                Handlers.getMaximumMemorySlots)
        case .addMemoryRegion:
            return .init(
                request, payload: 8...40, descriptors: 0...1,
                needs: ProtocolFeature.memorySlots, Handlers.addMemoryRegion)
        case .removeMemoryRegion:
            // vhost-user, REM_MEM_REG: a descriptor, which older frontends send, is closed.
            return .init(
                request, payload: 40...40, descriptors: 0...1,
                needs: ProtocolFeature.memorySlots, Handlers.removeMemoryRegion)
        case .advisePostcopy:
            return .init(
                request, payload: 0...0, needs: ProtocolFeature.pageFault,
                Handlers.advisePostcopy)
        case .listenPostcopy:
            return .init(
                request, payload: 0...0, needs: ProtocolFeature.pageFault,
                Handlers.listenPostcopy)
        default:
            return .init(
                request, payload: 0...0, needs: ProtocolFeature.pageFault,
                Handlers.endPostcopy)
        }
    }
}
