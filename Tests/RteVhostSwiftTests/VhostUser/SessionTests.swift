// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

@Suite("VhostUser: session")
struct SessionTests {
    private let frontend: MockFrontend
    private let guest: MockMemory
    private let driver: MockDriver

    init() throws {
        frontend = try MockFrontend()
        guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x2_0000)])
        driver = MockDriver(guest, size: 8, at: 0x1_0000)
    }

    private func bad(_ fault: FrontendFault) -> VhostError { .frontend(fault) }

    @Test("GET_FEATURES, GET_PROTOCOL_FEATURES, GET_QUEUE_NUM are answered with what is offered")
    func offers() {
        let values: [(UInt32, UInt64)] = [
            (1, Feature.netDefaults(DriverFlags(rawValue: 0))), (15, ProtocolFeature.netDefaults),
            (17, 4), (40, 0),
        ]
        for (request, value) in values {
            #expect(frontend.request(request) == nil)
            let words = [UInt32(truncatingIfNeeded: value), UInt32(value >> 32)]
            #expect(
                frontend.answer() == MockFrontend.Answer(request: request, flags: 5, words: words))
        }
    }

    @Test("FrontendFault.badValue: bits that were not offered, numbers out of range")
    func badValues() throws {
        #expect(frontend.number(2, 1 << 2) == bad(.badValue))
        #expect(frontend.number(16, 1 << 63) == bad(.badValue))
        for mtu: UInt64 in [0, 67, 65_536, UInt64.max] {
            #expect(frontend.number(20, mtu) == bad(.badValue))
        }
        #expect(frontend.number(20, 68) == nil && frontend.number(20, 65_535) == nil)
        #expect(frontend.number(39, 256) == bad(.badValue))
        for size: UInt32 in [0, 3, 32_769, 65_536, UInt32.max] {
            #expect(frontend.state(8, 0, size) == bad(.badValue))
        }
        #expect(frontend.state(10, 0, 0x1_0000) == bad(.badValue))
        #expect(frontend.state(18, 0, 2) == bad(.badValue))
        #expect(frontend.number(12, 0x200) == bad(.badValue))
    }

    @Test("FrontendFault.queueIndex: queues beyond the pairs that were offered")
    func queueIndex() {
        for index: UInt32 in [8, 255, 256, UInt32.max] {
            #expect(frontend.state(8, index, 8) == bad(.queueIndex))
        }
        #expect(frontend.state(8, 7, 8) == nil)
        #expect(frontend.number(13, 0x100 | 200) == bad(.queueIndex))
    }

    @Test("FrontendFault.descriptors: an eventfd where NOFD says none, none where one is due")
    func descriptors() throws {
        let event = try MockFrontend.makeEvent()
        defer { close(event) }
        for request: UInt32 in [12, 13, 14] {
            #expect(frontend.number(request, 0x100, files: [event]) == bad(.descriptors))
            #expect(frontend.number(request, 0) == bad(.descriptors))
            #expect(frontend.number(request, 0x100) == nil)
            #expect(frontend.number(request, 0, files: [event]) == nil)
        }
        #expect(frontend.request(1, files: [event]) == bad(.descriptors))
    }

    @Test("FrontendFault.badValue: a pipe or file is no eventfd")
    func noEvent() throws {
        let file = try MockMemory.makeFile(byteCount: 1)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        for number in [file, ends[1], frontend.socket] {
            #expect(frontend.number(13, 0, files: [number]) == bad(.badValue))
        }
        for number in [file] + ends { close(number) }
    }

    @Test("FrontendFault.unmapped: a ring outside the table; it runs once it lies inside")
    func unmapped() throws {
        #expect(frontend.setMemory(guest) == nil)
        let outside = MockDriver(guest, size: 8, at: 0x8_0000)
        #expect(try frontend.startQueue(0, outside) != nil)
        #expect(frontend.setAddresses(1, outside) == nil)
        #expect(try frontend.startQueue(0, driver) == nil)
        let size = frontend.queue(0).value.splitRing.size
        #expect(size == 8)
        #expect(frontend.setAddresses(0, outside) == bad(.unmapped))
    }

    @Test("FrontendFault.badState: size, base and features of a ring that runs")
    func badState() throws {
        #expect(frontend.number(2, Feature.version1) == nil)
        #expect(frontend.setMemory(guest) == nil)
        #expect(try frontend.startQueue(0, driver) == nil)
        #expect(frontend.state(8, 0, 16) == bad(.badState))
        #expect(frontend.state(10, 0, 1) == bad(.badState))
        #expect(frontend.number(2, 0) == bad(.badState))
        #expect(frontend.number(2, Feature.version1) == nil)
        #expect(frontend.state(11, 0, 0) == nil)
        #expect(frontend.answer()?.words == [0, 0])
        #expect(frontend.state(8, 0, 16) == nil)
        #expect(frontend.number(2, 0) == nil)
    }

    @Test("GET_VRING_BASE answers where the ring stood and forgets the eventfds")
    func base() throws {
        #expect(frontend.setMemory(guest) == nil)
        driver.start(at: 0xfffe)
        #expect(try frontend.startQueue(1, driver) == nil)
        let isReady = frontend.queue(1).value.isReady
        #expect(isReady)
        #expect(frontend.state(11, 1, 0) == nil)
        #expect(frontend.answer()?.words == [1, 0xfffe])
        let kick = frontend.queue(1).value.kick.isSet
        let call = frontend.queue(1).value.call.isSet
        #expect(!kick && !call)
    }

    @Test("FrontendFault.disconnected ends a session; what came before is handled")
    func disconnected() {
        MockFrontend.send(frontend.socket, MockFrontend.bytes(1))
        shutdown(frontend.socket, Int32(SHUT_WR))
        #expect(frontend.handle() == bad(.disconnected))
        #expect(frontend.answer()?.request == 1)
    }

    @Test("with REPLY_ACK a refusal is an answer, not the end; a malformed message is the end")
    func replyAck() {
        #expect(frontend.number(16, ProtocolFeature.replyAck) == nil)
        let zero = MockFrontend.littleEndian(UInt64(0))
        #expect(frontend.request(20, zero, needsReply: true) == nil)
        #expect(frontend.answer()?.words == [1, 0])
        #expect(frontend.request(2, zero, needsReply: true) == nil)
        #expect(frontend.answer()?.words == [0, 0])
        #expect(frontend.request(2, [0], needsReply: true) == bad(.malformed))
    }

    @Test("SET_MEM_TABLE: counts, sizes and descriptors that do not fit each other")
    func memoryTable() throws {
        func table(_ count: UInt32, _ regions: Int, files: Int) -> VhostError? {
            let payload =
                MockFrontend.littleEndian(count)
                + [UInt8](repeating: 0, count: 4 + 32 * regions)
            let numbers = [Int32](repeating: guest.areas[0].file, count: files)
            return frontend.request(5, payload, files: numbers)
        }
        #expect(table(0, 0, files: 0) == bad(.badValue))
        #expect(table(9, 8, files: 8) == bad(.badValue))
        #expect(table(UInt32.max, 8, files: 8) == bad(.badValue))
        #expect(table(2, 2, files: 1) == bad(.descriptors))
        #expect(table(1, 1, files: 2) == bad(.descriptors))
        #expect(table(2, 1, files: 2) == bad(.malformed))
        #expect(table(1, 1, files: 1) == bad(.badValue))
        let regions = frontend.device.value.memory.table.count
        #expect(regions == 0)
    }

    @Test("a closed device gives back what its many regions took")
    func closedMemory() throws {
        #expect(frontend.number(16, ProtocolFeature.memorySlots) == nil)
        for index in 0..<UInt64(40) {
            // ADD_MEM_REG: padding, address, size, frontend's address, offset.
            let payload = [0, index << 20, 4096, index << 20, 0].flatMap(
                MockFrontend.littleEndian)
            #expect(frontend.request(37, payload, files: [guest.areas[0].file]) == nil)
        }
        let hadGrown = frontend.device.value.memory.hasGrown
        #expect(hadGrown)
        frontend.device.close()
        let hasGrown = frontend.device.value.memory.hasGrown
        let regions = frontend.device.value.memory.table.count
        #expect(!hasGrown && regions == 0)
    }

    @Test("VhostError.busy: memory and rings stay while an engine does not finish")
    func busy() throws {
        let hooks = DatapathHooks(
            make: NetQueue.hooks.make, resize: NetQueue.hooks.resize, poll: { _, _ in false },
            closeGaps: { _, _ in true }, setLogging: { _, _ in }, inflightCount: { _ in 0 },
            release: NetQueue.hooks.release)
        let device = try HeapCell(Device(vid: 1, hooks: hooks))
        device.value.offeredQueuePairs = 1
        let queue = try device.makeQueue(0)
        let error = fault { () throws(VhostError) in
            _ = try device.stop(queue, until: System.nanoseconds())
        }
        #expect(error == .busy)
    }
}
