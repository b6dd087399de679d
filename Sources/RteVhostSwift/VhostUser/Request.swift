// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Request codes of vhost-user that this library handles.
enum Request: UInt32 {
    case getFeatures = 1
    case setFeatures = 2
    case setOwner = 3
    case resetOwner = 4
    case setMemoryTable = 5
    case setLogBase = 6
    case setLogDescriptor = 7
    case setQueueSize = 8
    case setQueueAddresses = 9
    case setQueueBase = 10
    case getQueueBase = 11
    case setQueueKick = 12
    case setQueueCall = 13
    case setQueueError = 14
    case getProtocolFeatures = 15
    case setProtocolFeatures = 16
    case getQueueNumber = 17
    case setQueueEnable = 18
    case sendRarp = 19
    case setMTU = 20
    case setBackendDescriptor = 21
    case changeTranslations = 22
    case getConfiguration = 24
    case setConfiguration = 25
    case createCryptoSession = 26
    case closeCryptoSession = 27
    case advisePostcopy = 28
    case listenPostcopy = 29
    case endPostcopy = 30
    case getInflight = 31
    case setInflight = 32
    case resetDevice = 34
    case getMaximumMemorySlots = 36
    case addMemoryRegion = 37
    case removeMemoryRegion = 38
    case setStatus = 39
    case getStatus = 40

    /// The specification's name, for the log.
    var name: StaticString {
        switch self {
        case .getFeatures: "GET_FEATURES"
        case .setFeatures: "SET_FEATURES"
        case .setOwner: "SET_OWNER"
        case .resetOwner: "RESET_OWNER"
        case .setMemoryTable: "SET_MEM_TABLE"
        case .setLogBase: "SET_LOG_BASE"
        case .setLogDescriptor: "SET_LOG_FD"
        case .setQueueSize: "SET_VRING_NUM"
        case .setQueueAddresses: "SET_VRING_ADDR"
        case .setQueueBase: "SET_VRING_BASE"
        case .getQueueBase: "GET_VRING_BASE"
        case .setQueueKick: "SET_VRING_KICK"
        case .setQueueCall: "SET_VRING_CALL"
        case .setQueueError: "SET_VRING_ERR"
        case .getProtocolFeatures: "GET_PROTOCOL_FEATURES"
        case .setProtocolFeatures: "SET_PROTOCOL_FEATURES"
        case .getQueueNumber: "GET_QUEUE_NUM"
        case .setQueueEnable: "SET_VRING_ENABLE"
        case .sendRarp: "SEND_RARP"
        case .setMTU: "NET_SET_MTU"
        case .setBackendDescriptor: "SET_BACKEND_REQ_FD"
        case .changeTranslations: "IOTLB_MSG"
        case .getConfiguration: "GET_CONFIG"
        case .setConfiguration: "SET_CONFIG"
        case .createCryptoSession: "CREATE_CRYPTO_SESSION"
        case .closeCryptoSession: "CLOSE_CRYPTO_SESSION"
        case .getInflight: "GET_INFLIGHT_FD"
        case .setInflight: "SET_INFLIGHT_FD"
        case .resetDevice: "RESET_DEVICE"
        case .advisePostcopy: "POSTCOPY_ADVISE"
        case .listenPostcopy: "POSTCOPY_LISTEN"
        case .endPostcopy: "POSTCOPY_END"
        case .getMaximumMemorySlots: "GET_MAX_MEM_SLOTS"
        case .addMemoryRegion: "ADD_MEM_REG"
        case .removeMemoryRegion: "REM_MEM_REG"
        case .setStatus: "SET_STATUS"
        case .getStatus: "GET_STATUS"
        }
    }
}
