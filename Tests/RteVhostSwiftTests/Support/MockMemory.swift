// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

/// A guest's memory: regions over memfds, mapped once as the frontend has them and once by the library.
final class MockMemory {
    /// A region as the guest sees it.
    struct Area {
        var guest: UInt64
        var byteCount: Int
        var base: UnsafeMutableRawPointer
        var file: Int32
    }

    /// Frontend addresses are guest addresses plus this.
    static let frontendOffset: UInt64 = 0x5000_0000_0000

    /// The memory under test.
    var owner: GuestMemory
    /// Its table.
    var memory: MemoryTable { owner.table }
    private(set) var areas: [Area] = []

    /// Regions at these guest-physical places. `fileOffset` bytes of each file lie in front of its region.
    init(_ layout: [(guest: UInt64, byteCount: Int)], fileOffset: Int = 0) throws {
        offset = fileOffset
        owner = try GuestMemory()
        for (guest, byteCount) in layout {
            let file = try Self.makeFile(byteCount: byteCount + fileOffset)
            let mapped = mmap(
                nil, byteCount + fileOffset, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
            let base = try #require(mapped) + fileOffset
            areas.append(Area(guest: guest, byteCount: byteCount, base: base, file: file))
            let description = MappedRegion.Description(
                guest: GuestAddress(rawValue: guest), byteCount: UInt64(byteCount),
                frontend: FrontendAddress(rawValue: guest &+ Self.frontendOffset),
                fileOffset: UInt64(fileOffset))
            try owner.add(try MappedRegion(description, file: FileDescriptor(owning: dup(file))))
        }
    }

    private let offset: Int

    deinit {
        for area in areas {
            munmap(area.base - offset, area.byteCount + offset)
            close(area.file)
        }
    }

    /// `memfd_create`, which Swift's Glibc module does not declare.
    private static let makeMemoryFile = unsafeBitCast(
        dlsym(nil, "memfd_create"),
        to: (@convention(c) (UnsafePointer<CChar>, UInt32) -> Int32).self)

    /// A memfd of so many bytes.
    static func makeFile(byteCount: Int, name: String = "guest") throws -> Int32 {
        let file = Self.makeMemoryFile(name, 1)
        try #require(file >= 0)
        try #require(ftruncate(file, byteCount) == 0)
        return file
    }

    /// The guest's own pointer to a guest-physical address.
    func pointer(_ address: UInt64) -> UnsafeMutableRawPointer {
        for area in areas where address &- area.guest < UInt64(area.byteCount) {
            return area.base + Int(address - area.guest)
        }
        preconditionFailure("the mock guest touches memory it does not have")
    }

    /// What the guest reads at an address.
    func load<Value: BitwiseCopyable>(_ address: UInt64, as type: Value.Type) -> Value {
        pointer(address).loadUnaligned(as: type)
    }

    /// Lets the guest write at an address.
    func store<Value: BitwiseCopyable>(_ value: Value, at address: UInt64) {
        pointer(address).storeBytes(of: value, as: Value.self)
    }

    /// Lets the guest write bytes.
    func write(_ bytes: [UInt8], at address: UInt64) {
        for (index, byte) in bytes.enumerated() { store(byte, at: address + UInt64(index)) }
    }

    /// Bytes as the guest reads them.
    func read(_ count: Int, at address: UInt64) -> [UInt8] {
        (0..<count).map { load(address + UInt64($0), as: UInt8.self) }
    }

    /// The guest-physical address of a slice's first byte; nil when it lies in none of the regions.
    func address(of slice: GuestSlice) -> UInt64? {
        for index in 0..<memory.count {
            let region = memory[index]
            let distance = UInt64(UInt(bitPattern: slice.base)) &- UInt64(region.host)
            if distance < region.byteCount { return region.guest + distance }
        }
        return nil
    }
}
