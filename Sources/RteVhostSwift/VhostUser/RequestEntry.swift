// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a request's message has to look like, and who handles it: one row of the request table.
struct RequestEntry {
    /// Handles a message that was checked against its row.
    typealias Handler = (HeapCell<Device>, inout Message) throws(VhostError) -> Reply

    /// The request.
    let request: Request
    /// Sizes its payload may have, in bytes.
    let payload: ClosedRange<Int>
    /// File descriptors it may carry.
    let descriptors: ClosedRange<Int>
    /// Protocol features without which no frontend may send it.
    let needs: UInt64
    /// Who handles it.
    let handler: Handler

    /// A row; most requests carry no descriptor.
    init(
        _ request: Request, payload: ClosedRange<Int>, descriptors: ClosedRange<Int> = 0...0,
        needs: UInt64 = 0, _ handler: @escaping Handler
    ) {
        self.request = request
        self.payload = payload
        self.descriptors = descriptors
        self.needs = needs
        self.handler = handler
    }

    /// The row of a request code; nil for one that is not handled.
    static func find(_ code: UInt32) -> RequestEntry? {
        Request(rawValue: code).map(entry)
    }

    /// Every request with its shape. vhost-user, "Front-end message types".
    private static func entry(_ request: Request) -> RequestEntry {
        let none = 0...0
        let u64 = 8...8
        let state = 8...8
        switch request {
        case .getFeatures: return .init(request, payload: none, Handlers.getFeatures)
        case .setFeatures: return .init(request, payload: u64, Handlers.setFeatures)
        case .setOwner: return .init(request, payload: none, Handlers.ignore)
        case .resetOwner: return .init(request, payload: none, Handlers.resetOwner)
        case .setMemoryTable, .setLogBase, .setLogDescriptor, .getMaximumMemorySlots,
            .addMemoryRegion, .removeMemoryRegion, .advisePostcopy, .listenPostcopy,
            .endPostcopy:
            return memoryEntry(request)
        case .setQueueSize: return .init(request, payload: state, Handlers.setQueueSize)
        case .setQueueAddresses:
            return .init(request, payload: 40...40, Handlers.setQueueAddresses)
        case .setQueueBase: return .init(request, payload: state, Handlers.setQueueBase)
        case .getQueueBase: return .init(request, payload: state, Handlers.getQueueBase)
        case .setQueueKick:
            return .init(request, payload: u64, descriptors: 0...1, Handlers.setQueueKick)
        case .setQueueCall:
            return .init(request, payload: u64, descriptors: 0...1, Handlers.setQueueCall)
        case .setQueueError:
            return .init(request, payload: u64, descriptors: 0...1, Handlers.setQueueError)
        case .getProtocolFeatures:
            return .init(request, payload: none, Handlers.getProtocolFeatures)
        case .setProtocolFeatures:
            return .init(request, payload: u64, Handlers.setProtocolFeatures)
        case .getQueueNumber: return .init(request, payload: none, Handlers.getQueueNumber)
        case .setQueueEnable: return .init(request, payload: state, Handlers.setQueueEnable)
        case .sendRarp: return .init(request, payload: u64, Handlers.sendRarp)
        case .setMTU: return .init(request, payload: u64, Handlers.setMTU)
        case .getConfiguration, .setConfiguration, .createCryptoSession, .closeCryptoSession,
            .getInflight, .setInflight, .resetDevice:
            return storageEntry(request)
        case .setBackendDescriptor:
            return .init(
                request, payload: none, descriptors: 1...1, Handlers.setBackendDescriptor)
        case .changeTranslations:
            return .init(request, payload: 32...32, Handlers.changeTranslations)
        case .setStatus: return .init(request, payload: u64, Handlers.setStatus)
        case .getStatus: return .init(request, payload: none, Handlers.getStatus)
        }
    }
}
