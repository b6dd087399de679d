// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Dispatch
import Testing

@testable import RteVhostSwift

@Suite("Base: storage and lock")
struct StorageTests {
    @Test("a fixed buffer holds what was stored, aligned to a cache line")
    func buffer() throws {
        for count in [0, 1, 3, 64, 1000] {
            let buffer = try FixedBuffer(count: count, repeating: UInt32(7))
            let isAligned = UInt(bitPattern: buffer.base) % 64 == 0
            #expect(isAligned)
            var sum = 0
            for index in 0..<count {
                sum += Int(buffer[index])
                buffer[index] = UInt32(index)
            }
            #expect(sum == 7 * count)
            for index in 0..<count {
                let value = buffer[index]
                #expect(value == UInt32(index))
            }
        }
    }

    @Test("VhostError.outOfMemory: more than the address space has is refused, not touched")
    func outOfMemory() {
        let error = fault { () throws(VhostError) in
            _ = try FixedBuffer(count: 1 << 47, repeating: UInt8(0))
        }
        #expect(error == .outOfMemory)
    }

    @Test("a cell keeps its value in place, also through an opaque handle")
    func cells() throws {
        let cell = try HeapCell(InlineArray<4, Int>(repeating: 1))
        cell.value[2] = 5
        let handle = OpaqueCell(cell)
        let again = handle.cell(of: InlineArray<4, Int>.self)
        let isSame = again == cell
        #expect(isSame)
        #expect(again.value[2] == 5)
        let other = try HeapCell(InlineArray<4, Int>(repeating: 1))
        let isOther = other == cell
        #expect(!isOther)
    }

    @Test("the cell table refuses indices that it does not have")
    func table() {
        for index in [-1, Int.min, 1024, Int.max] {
            let isNone = CellTable.find(index, of: Device.self) == nil
            #expect(isNone)
        }
    }

    @Test("a spin lock excludes other threads, and is free after an error")
    func lock() throws {
        struct Guarded: ~Copyable {
            var count = 0
        }
        let cell = try HeapCell(Guarded())
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<10_000 { cell.lock.withLock { cell.value.count += 1 } }
        }
        #expect(cell.value.count == 40_000)
        let error = fault { () throws(VhostError) in
            try cell.lock.withLock { () throws(VhostError) in throw .busy }
        }
        #expect(error == .busy)
        let isFree = cell.lock.tryLock()
        #expect(isFree)
        let isTaken = !cell.lock.tryLock()
        #expect(isTaken)
        cell.lock.unlock()
    }
}
