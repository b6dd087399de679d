// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

@Suite("VhostUser: request table")
struct RequestEntryTests {
    /// Sizes and descriptors as the specification has them, by code.
    private static let table: [UInt32: (payload: ClosedRange<Int>, files: ClosedRange<Int>)] = [
        1: (0...0, 0...0), 2: (8...8, 0...0), 3: (0...0, 0...0), 4: (0...0, 0...0),
        5: (0...264, 0...8), 6: (16...16, 1...1), 7: (0...0, 1...1),
        8: (8...8, 0...0), 9: (40...40, 0...0), 10: (8...8, 0...0),
        11: (8...8, 0...0), 12: (8...8, 0...1), 13: (8...8, 0...1), 14: (8...8, 0...1),
        15: (0...0, 0...0), 16: (8...8, 0...0), 17: (0...0, 0...0), 18: (8...8, 0...0),
        19: (8...8, 0...0), 20: (8...8, 0...0), 21: (0...0, 1...1), 22: (32...32, 0...0),
        24: (12...268, 0...0), 25: (12...268, 0...0), 26: (632...632, 0...0),
        27: (8...8, 0...0), 28: (0...0, 0...0), 29: (0...0, 0...0), 30: (0...0, 0...0),
        31: (20...24, 0...0), 32: (20...24, 1...1), 34: (0...0, 0...0), 36: (0...0, 0...0),
        37: (8...40, 0...1), 38: (40...40, 0...1), 39: (8...8, 0...0), 40: (0...0, 0...0),
    ]

    @Test("each row has its own code's request, sizes and descriptors")
    func rows() throws {
        for (code, shape) in Self.table {
            let entry = try #require(RequestEntry.find(code))
            #expect(entry.request.rawValue == code)
            #expect(entry.payload == shape.payload)
            #expect(entry.descriptors == shape.files)
        }
    }

    /// Protocol features as the specification has them, by the codes that need them.
    private static let needs: [UInt32: UInt64] = [
        6: 1 << 1, 24: 1 << 9, 25: 1 << 9, 26: 1 << 7, 27: 1 << 7, 28: 1 << 8, 29: 1 << 8,
        30: 1 << 8, 31: 1 << 12, 32: 1 << 12, 34: 1 << 13, 36: 1 << 15, 37: 1 << 15, 38: 1 << 15,
    ]

    @Test("FrontendFault.badState: a request without its protocol feature, all others negotiated")
    func features() throws {
        for (code, shape) in Self.table {
            let entry = try #require(RequestEntry.find(code))
            #expect(entry.needs == Self.needs[code] ?? 0)
            guard entry.needs != 0 else { continue }
            let frontend = try MockFrontend()
            frontend.device.value.protocolFeatures.store(~entry.needs, ordering: .relaxed)
            let files = try (0..<shape.files.lowerBound).map { _ in try MockFrontend.makeEvent() }
            defer { for file in files { close(file) } }
            let payload = [UInt8](repeating: 0, count: shape.payload.lowerBound)
            #expect(frontend.request(code, payload, files: files) == .frontend(.badState))
        }
    }

    @Test("FrontendFault.unknownRequest: codes without a row are refused by the session")
    func unknown() throws {
        for code: UInt32 in [0, 41, 100, UInt32.max] {
            let isUnknown = RequestEntry.find(code) == nil
            #expect(isUnknown)
            let frontend = try MockFrontend()
            #expect(frontend.request(code) == .frontend(.unknownRequest))
        }
    }

    @Test("FrontendFault.malformed and .descriptors: every size and number that a row forbids")
    func shapes() throws {
        let zeros = MessageBytes(repeating: 0)
        for (code, shape) in Self.table {
            let entry = try #require(RequestEntry.find(code))
            for size in 0...632 {
                let error = parse(entry, zeros, size: size, files: shape.files.lowerBound)
                #expect(
                    error == (shape.payload.contains(size) ? nil : .frontend(.malformed)))
            }
            for files in 0...16 {
                let error = parse(entry, zeros, size: shape.payload.lowerBound, files: files)
                #expect(
                    error == (shape.files.contains(files) ? nil : .frontend(.descriptors)))
            }
        }
    }

    private func parse(
        _ entry: RequestEntry, _ bytes: MessageBytes, size: Int, files: Int
    ) -> VhostError? {
        var descriptors = ReceivedDescriptors()
        for _ in 0..<files { descriptors.append(FileDescriptor(owning: -1)) }
        let header = MessageHeader(
            request: entry.request.rawValue, flags: 1, payloadByteCount: UInt32(size))
        let raw = RawMessage(header: header, payload: bytes, descriptors: descriptors)
        do throws(VhostError) {
            _ = try raw.parse(entry)
            return nil
        } catch {
            return error
        }
    }
}
