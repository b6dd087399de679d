// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Base: messages as handlers see them")
struct MessageBufferTests {
    @Test("fields do not touch each other, whatever their order")
    func fields() {
        #expect(MemoryLayout<MessageBuffer>.size == 680)
        var message = MessageBuffer(request: 24, flags: 9, payloadByteCount: 632)
        message.descriptorCount = 8
        for index in 0..<8 { message.setDescriptor(Int32(100 + index), at: index) }
        for index in 0..<632 { message[index] = UInt8(truncatingIfNeeded: index * 3) }
        #expect(message.request == 24)
        #expect(message.flags == 9)
        #expect(message.payloadByteCount == 632)
        #expect(message.descriptorCount == 8)
        for index in 0..<8 { #expect(message.descriptor(at: index) == Int32(100 + index)) }
        for index in 0..<632 { #expect(message[index] == UInt8(truncatingIfNeeded: index * 3)) }
    }

    @Test("numbers lie in the payload little-endian")
    func numbers() {
        var message = MessageBuffer()
        message.setPayload(UInt64(0x0807_0605_0403_0201), at: 4)
        for index in 0..<8 { #expect(message[4 + index] == UInt8(index + 1)) }
        #expect(message[3] == 0)
        #expect(message[12] == 0)
    }
}
