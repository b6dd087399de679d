// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Socket: the registry of drivers")
struct DriverRegistryTests {
    private func path(_ number: Int) -> SocketPath { SocketPath("/tmp/registry-\(number)")! }

    private func isMissing(_ number: Int, _ registry: HeapCell<DriverRegistry>) -> Bool {
        registry.value.find(path(number)) == nil
    }

    @Test("VhostError.limitReached: 1,024 paths, each found at its own index; cells come again")
    func limit() throws {
        let registry = try HeapCell(DriverRegistry())
        for number in 0..<DriverRegistry.maximumCount {
            _ = try registry.value.claim(path(number))
        }
        for number in 0..<DriverRegistry.maximumCount {
            let index = registry.value.find(path(number))?.index
            #expect(index == number)
        }
        #expect(isMissing(1024, registry))
        let late = path(1024)
        let error = fault { () throws(VhostError) in _ = try registry.value.claim(late) }
        #expect(error == .limitReached)
        guard let (_, old) = registry.value.find(path(500)) else { return }
        registry.value.release(old)
        #expect(isMissing(500, registry))
        let again = try registry.value.claim(late)
        let isSame = again == old
        #expect(isSame)
        for index in [-1, 1024, Int.max] {
            let isNone = registry.value.cell(index) == nil
            #expect(isNone)
        }
    }

    @Test("released ones are gone, the others of their chains stay, and cells are used again")
    func release() throws {
        let registry = try HeapCell(DriverRegistry())
        var present = Set<Int>()
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = Int(state >> 33) % 1500
            if present.contains(number) {
                guard let (_, cell) = registry.value.find(path(number)) else {
                    Issue.record("a path is missing")
                    return
                }
                let generation = cell.value.generation
                registry.value.release(cell)
                let later = cell.value.generation
                #expect(later == generation &+ 1)
                #expect(isMissing(number, registry))
                present.remove(number)
            } else if present.count < DriverRegistry.maximumCount {
                _ = try registry.value.claim(path(number))
                present.insert(number)
            }
        }
        let count = registry.value.count
        #expect(count <= DriverRegistry.maximumCount)
        for number in 0..<1500 {
            #expect(isMissing(number, registry) != present.contains(number))
        }
    }
}
