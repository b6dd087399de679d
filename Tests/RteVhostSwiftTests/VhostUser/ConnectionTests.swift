// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

@Suite("VhostUser: connection")
struct ConnectionTests {
    /// A connection and the other end of its socket.
    private struct Wire: ~Copyable {
        var connection: Connection
        let far: Int32

        init() throws {
            let (near, far) = try MockFrontend.makePair()
            connection = Connection(FileDescriptor(owning: near))
            self.far = far
        }

        deinit { close(far) }

        /// What the next message is: its request, payload size and descriptors; nil without one.
        mutating func receive() throws(VhostError) -> [Int]? {
            guard let message = try connection.receive() else { return nil }
            let header = message.header
            let entry = RequestEntry(
                .getFeatures, payload: 0...632, descriptors: 0...16, Handlers.ignore)
            let parsed = try message.parse(entry)
            let rest = parsed.payload.remaining
            return [Int(header.request), rest, parsed.descriptors.count]
        }

        /// What the next call throws.
        mutating func receiveFault() -> VhostError? {
            do throws(VhostError) {
                _ = try connection.receive()
                return nil
            } catch {
                return error
            }
        }
    }

    @Test(
        "a message in two pieces, cut at each byte, descriptors with either piece",
        arguments: [0, 8, 40], [0, 1, 8])
    func cuts(payload: Int, files: Int) throws {
        let bytes = MockFrontend.bytes(12, [UInt8](repeating: 7, count: payload))
        let numbers = [Int32](repeating: 0, count: files)
        for cut in 1..<bytes.count {
            for filesFirst in [true, false] {
                var wire = try Wire()
                MockFrontend.send(wire.far, Array(bytes[..<cut]), filesFirst ? numbers : [])
                let early = try wire.receive()
                #expect(early == nil)
                MockFrontend.send(wire.far, Array(bytes[cut...]), filesFirst ? [] : numbers)
                let whole = try wire.receive()
                #expect(whole == [12, payload, files])
                let later = try wire.receive()
                #expect(later == nil)
            }
        }
    }

    @Test("a message byte by byte")
    func single() throws {
        var wire = try Wire()
        let bytes = MockFrontend.bytes(2, [UInt8](repeating: 1, count: 8))
        for (index, byte) in bytes.enumerated() {
            MockFrontend.send(wire.far, [byte])
            let message = try wire.receive()
            #expect(message == (index == bytes.count - 1 ? [2, 8, 0] : nil))
        }
    }

    @Test("messages in a row keep their own payloads and descriptors")
    func row() throws {
        var wire = try Wire()
        MockFrontend.send(wire.far, MockFrontend.bytes(1) + MockFrontend.bytes(3))
        MockFrontend.send(wire.far, MockFrontend.bytes(12, [1, 2, 3, 4]), [0, 0])
        MockFrontend.send(wire.far, MockFrontend.bytes(13), [0])
        var found: [[Int]] = []
        while let message = try wire.receive() { found.append(message) }
        #expect(found == [[1, 0, 0], [3, 0, 0], [12, 4, 2], [13, 0, 1]])
    }

    @Test("FrontendFault.malformed: another version, a reply, a payload larger than any request")
    func malformed() throws {
        for flags: UInt32 in 0..<16 {
            var wire = try Wire()
            MockFrontend.send(wire.far, MockFrontend.bytes(1, flags: flags))
            let error = wire.receiveFault()
            let isFine = flags & 3 == 1 && flags & 4 == 0
            #expect(error == (isFine ? nil : .frontend(.malformed)))
        }
        for count in [633, 4096, Int(UInt32.max)] {
            var wire = try Wire()
            MockFrontend.send(wire.far, MockFrontend.bytes(1, byteCount: count))
            let error = wire.receiveFault()
            #expect(error == .frontend(.malformed))
        }
        var wire = try Wire()
        let largest = [UInt8](repeating: 0, count: 632)
        MockFrontend.send(wire.far, MockFrontend.bytes(1, largest))
        let message = try wire.receive()
        #expect(message == [1, 632, 0])
    }

    @Test("FrontendFault.disconnected: the peer closes between or within messages")
    func disconnected() throws {
        for count in 0..<12 {
            var wire = try Wire()
            if count > 0 {
                MockFrontend.send(wire.far, Array(MockFrontend.bytes(1).prefix(count)))
                _ = try wire.receive()
            }
            shutdown(wire.far, Int32(SHUT_WR))
            let error = wire.receiveFault()
            #expect(error == .frontend(.disconnected))
        }
    }

    @Test("FrontendFault.descriptors: more than fit are refused, and none stays open")
    func tooMany() throws {
        for files in [15, 16, 17, 32] {
            let file = try MockMemory.makeFile(byteCount: 1)
            defer { close(file) }
            do {
                var wire = try Wire()
                let numbers = [Int32](repeating: file, count: files)
                MockFrontend.send(wire.far, MockFrontend.bytes(1), numbers)
                let error = wire.receiveFault()
                #expect(error == (files > 16 ? .frontend(.descriptors) : nil))
            }
            #expect(openCount(file) == 1)
        }
    }

    /// Descriptors of this process that refer to a file.
    private func openCount(_ file: Int32) -> Int {
        var wanted = stat()
        fstat(file, &wanted)
        return (0..<4096).filter { number in
            var status = stat()
            return fstat(Int32(number), &status) == 0 && status.st_ino == wanted.st_ino
                && status.st_dev == wanted.st_dev
        }.count
    }

    @Test("answers are twenty bytes, little-endian; a peer that is gone is an error")
    func answers() throws {
        let wire = try Wire()
        try wire.connection.send(11, (3, 0x1234))
        var bytes = [UInt8](repeating: 0, count: 32)
        #expect(recv(wire.far, &bytes, 32, 0) == 20)
        #expect(
            bytes.prefix(20) == [
                11, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 0x34, 0x12, 0, 0,
            ])
        shutdown(wire.far, Int32(SHUT_RDWR))
        var code: VhostError?
        do throws(VhostError) {
            try wire.connection.send(11, (0, 0))
        } catch {
            code = error
        }
        #expect(code == .system(EPIPE))
    }
}
