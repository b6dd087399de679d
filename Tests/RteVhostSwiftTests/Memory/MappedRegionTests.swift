// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

@Suite("Memory: mapping a region")
struct MappedRegionTests {
    /// What mapping a file of `fileBytes` as this region throws; nil when it works.
    private func map(
        guest: UInt64 = 0x1000, byteCount: UInt64, frontend: UInt64 = 0x1000,
        offset: UInt64 = 0, fileBytes: Int = 0x4000
    ) throws -> VhostError? {
        let file = try MockMemory.makeFile(byteCount: fileBytes)
        let description = MappedRegion.Description(
            guest: GuestAddress(rawValue: guest), byteCount: byteCount,
            frontend: FrontendAddress(rawValue: frontend), fileOffset: offset)
        return fault { () throws(VhostError) in
            _ = try MappedRegion(description, file: FileDescriptor(owning: file))
        }
    }

    @Test("FrontendFault.badValue: no bytes, or more than the file has")
    func sizes() throws {
        #expect(try map(byteCount: 0x4000) == nil)
        #expect(try map(byteCount: 1) == nil)
        #expect(try map(byteCount: 0x1000, offset: 0x3000) == nil)
        #expect(try map(byteCount: 0) == .frontend(.badValue))
        #expect(try map(byteCount: 0x4001) == .frontend(.badValue))
        #expect(try map(byteCount: 0x1000, offset: 0x3001) == .frontend(.badValue))
        #expect(try map(byteCount: 1, fileBytes: 0) == .frontend(.badValue))
    }

    @Test("FrontendFault.badValue: sums that wrap, sizes that no process can map")
    func wraps() throws {
        let bad = VhostError.frontend(.badValue)
        #expect(try map(byteCount: UInt64.max, offset: 1) == bad)
        #expect(try map(byteCount: 0x1000, offset: UInt64.max) == bad)
        #expect(try map(byteCount: 1 << 47) == bad)
        #expect(try map(byteCount: UInt64.max) == bad)
        #expect(try map(guest: UInt64.max - 0xffe, byteCount: 0x1000) == bad)
        #expect(try map(guest: UInt64.max - 0x1000, byteCount: 0x1000) == nil)
        #expect(try map(byteCount: 0x1000, frontend: UInt64.max - 0xffe) == bad)
    }

    @Test("VhostError.system: what is no file to map")
    func noFile() throws {
        let description = MappedRegion.Description(
            guest: GuestAddress(rawValue: 0), byteCount: 4096,
            frontend: FrontendAddress(rawValue: 0), fileOffset: 0)
        let closed = fault { () throws(VhostError) in
            _ = try MappedRegion(description, file: FileDescriptor(owning: -1))
        }
        #expect(closed == .system(EBADF))
        let event = fault { () throws(VhostError) in
            _ = try MappedRegion(description, file: try System.makeEvent())
        }
        #expect(event == .system(ENODEV))
    }

    @Test("the mapping begins with the file and is a multiple of pages; it goes with its owner")
    func lifetime() throws {
        let name = "lifetime-\(getpid())"
        let file = try MockMemory.makeFile(byteCount: 0x5000, name: name)
        do {
            let region = try MappedRegion(
                MappedRegion.Description(
                    guest: GuestAddress(rawValue: 0), byteCount: 0x1234,
                    frontend: FrontendAddress(rawValue: 0), fileOffset: 0x1100),
                file: FileDescriptor(owning: file))
            let distance = region.host - region.mapping
            let mapped = region.mappingByteCount
            #expect(distance == 0x1100)
            #expect(mapped == 0x3000)
            #expect(try isMapped(name))
            let number = region.file.number
            #expect(number == file)
        }
        #expect(try !isMapped(name))
    }

    /// True when a file of this name is mapped into this process.
    private func isMapped(_ name: String) throws -> Bool {
        let file = open("/proc/self/maps", O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(file, &chunk, chunk.count)
            guard count > 0 else { break }
            text += chunk.prefix(count)
        }
        return String(decoding: text, as: UTF8.self).contains(name)
    }
}
