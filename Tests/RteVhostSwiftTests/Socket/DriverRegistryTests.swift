// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Socket: the registry of drivers")
struct DriverRegistryTests {
    private func path(_ number: Int) -> SocketPath { SocketPath("/tmp/registry-\(number)")! }

    @Test("VhostError.limitReached: 1,024 paths, each found at its own index")
    func limit() throws {
        var registry = DriverRegistry()
        for number in 0..<DriverRegistry.maximumCount {
            _ = try registry.claim(path(number))
        }
        for number in 0..<DriverRegistry.maximumCount {
            let found = registry.find(path(number))
            #expect(found?.index == number)
            #expect(found?.cell.value.path == path(number))
        }
        #expect(registry.find(path(1024)) == nil)
        var error: VhostError?
        do throws(VhostError) { _ = try registry.claim(path(1024)) } catch let fault {
            error = fault
        }
        #expect(error == .limitReached)
    }

    @Test("released ones are gone, the others of their chains stay, and cells are used again")
    func release() throws {
        var registry = DriverRegistry()
        var present = Set<Int>()
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = Int(state >> 33) % 1500
            if present.contains(number) {
                let cell = try #require(registry.find(path(number))?.cell)
                let generation = cell.value.generation
                registry.release(cell)
                #expect(cell.value.generation != generation)
                #expect(registry.find(path(number)) == nil)
                present.remove(number)
            } else if present.count < DriverRegistry.maximumCount {
                _ = try registry.claim(path(number))
                present.insert(number)
            }
        }
        #expect(registry.count <= DriverRegistry.maximumCount)
        for number in 0..<1500 {
            #expect((registry.find(path(number)) != nil) == present.contains(number))
        }
    }
}
