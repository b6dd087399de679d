// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Lines that are requests, and others.
@Suite struct ControlRequestTests {
    private static func parse(_ text: String) throws(ControlRequest.Fault) -> ControlRequest {
        var line = InlineArray<256, UInt8>(repeating: 0)
        var count = 0
        for byte in text.utf8 {
            line[count] = byte
            count += 1
        }
        return try ControlRequest(line, count: count)
    }

    private static func path(_ text: String) -> SocketPath {
        var path = SocketPath()
        for byte in text.utf8 { _ = path.append(byte) }
        return path
    }

    @Test func commandsAreTaken() throws {
        guard case .list = try Self.parse("1 list").command else {
            Issue.record("no list")
            return
        }
        #expect(try Self.parse("1 list").path == nil)
        guard case .show = try Self.parse("1 show").command else {
            Issue.record("no show")
            return
        }
        guard case .capture(let wanted) = try Self.parse("1 capture 3 1 2000").command else {
            Issue.record("no capture")
            return
        }
        #expect(wanted == CaptureRequest(device: 3, ring: 1, byteCount: 2000))
        let meant = try Self.parse("1 capture 3 1 2000 123456789012345678").command
        guard case .capture(let one) = meant else {
            Issue.record("no capture")
            return
        }
        #expect(one.connection == 123_456_789_012_345_678 && one.ring == 1)
        #expect(try Self.parse("1 show ").path == nil)
        #expect(try Self.parse("1 show /a b").path == Self.path("/a b"))
        let long = "/" + String(repeating: "x", count: 106)
        #expect(try Self.parse("1 show " + long).path == Self.path(long))
    }

    @Test(arguments: ["", "2 show", "show", "10 show", "1show", " 1 show"])
    func otherVersionsAreNot(_ line: String) {
        #expect(throws: ControlRequest.Fault.version) { try Self.parse(line) }
    }

    @Test(arguments: ["1", "1 ", "1 sho", "1 shows", "1  show", "1 SHOW"])
    func otherCommandsAreNot(_ line: String) {
        #expect(throws: ControlRequest.Fault.command) { try Self.parse(line) }
    }

    @Test(arguments: [
        "", " 1", " 1 2", " 1 2 0", " 1 2 x", " 1 2 3 4 5", " 1 2 3 x", " -1 2 3",
        " 1  2 3", " 1 2 1234567890", " 1 2 3 1234567890123456789",
    ])
    func otherRingsAreNot(_ text: String) {
        #expect(throws: ControlRequest.Fault.ring) { try Self.parse("1 capture" + text) }
    }

    @Test func pathsThatNoSocketHasAreNot() {
        let long = "1 show /" + String(repeating: "x", count: 107)
        #expect(throws: ControlRequest.Fault.argument) { try Self.parse(long) }
        #expect(throws: ControlRequest.Fault.argument) { try Self.parse("1 show a\0b") }
    }

    @Test func theProcessStandsInThePath() throws {
        let text = Array("/run/%p-%%p.x%\0".utf8)
        let number = "\(System.currentProcess)"
        let path = try ControlSocket.expand { text[$0] }
        #expect(path == Self.path("/run/\(number)-%\(number).x%"))
        let none: [UInt8] = [0]
        #expect(throws: VhostError.invalidArgument) { try ControlSocket.expand { none[$0] } }
        let long = [UInt8](repeating: 0x61, count: 108) + [0]
        #expect(throws: VhostError.invalidArgument) { try ControlSocket.expand { long[$0] } }
    }
}
