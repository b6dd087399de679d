// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

@Suite("Socket: drivers", .serialized)
struct LibraryTests {
    private func path(_ name: String) -> SocketPath {
        SocketPath("/proc/self/cwd/.vhost-\(getpid())-\(name)")!
    }

    @Test("VhostError.exists: a path registers once; .notFound: and unregisters once")
    func registration() throws {
        let path = path("register")
        let flags = DriverFlags(rawValue: 0)
        func register() -> VhostError? {
            fault { () throws(VhostError) in try Library.register(path, flags) }
        }
        func unregister() -> VhostError? {
            fault { () throws(VhostError) in try Library.unregister(path) }
        }
        #expect(unregister() == .notFound)
        #expect(register() == nil)
        #expect(register() == .exists)
        #expect(unregister() == nil)
        #expect(unregister() == .notFound)
        #expect(register() == nil)
        #expect(unregister() == nil)
    }

    @Test("VhostError.invalidArgument and .unsupported: flags that DPDK or this release lacks")
    func flags() {
        let path = path("flags")
        for bit in 9..<64 {
            let error = fault { () throws(VhostError) in
                try Library.register(path, DriverFlags(rawValue: 1 << UInt64(bit)))
            }
            #expect(error == .invalidArgument)
        }
        for name in ["a", "b"] {
            let error = fault { () throws(VhostError) in try Library.setFeatures(self.path(name), 0)
            }
            #expect(error == .notFound)
        }
    }

    @Test("VhostError.invalidArgument: no callbacks; .busy: started twice; then it accepts")
    func start() throws {
        let path = path("start")
        func start() -> VhostError? {
            fault { () throws(VhostError) in try Library.start(path) }
        }
        #expect(start() == .notFound)
        try Library.register(path, DriverFlags(rawValue: 0))
        #expect(start() == .invalidArgument)
        try Library.change(path) { $0.callbacks = DeviceCallbacks() }
        #expect(start() == nil)
        #expect(start() == .busy)
        #expect(System.hasListener(at: path))
        try Library.unregister(path)
        #expect(!System.isSocket(path))
    }

    @Test("VhostError.system: a path that somebody listens at is not taken over")
    func taken() throws {
        let path = path("taken")
        let other = try System.listen(at: path, backlog: 1)
        try Library.register(path, DriverFlags(rawValue: 0))
        try Library.change(path) { $0.callbacks = DeviceCallbacks() }
        let error = fault { () throws(VhostError) in try Library.start(path) }
        #expect(error == .system(EADDRINUSE))
        try Library.unregister(path)
        #expect(System.isSocket(path) && other.number >= 0)
        System.unlink(path)
    }

    @Test("VhostError.limitReached: a registry has 1,024 cells; a free one is used again")
    func registry() throws {
        let cell = try HeapCell(DriverRegistry())
        var first: HeapCell<Driver>?
        for index in 0..<1024 {
            let driver = try cell.value.claim()
            driver.value.path = self.path("\(index)")
            driver.value.state = .registered
            if index == 500 { first = driver }
        }
        func claim() -> VhostError? {
            fault { () throws(VhostError) in _ = try cell.value.claim() }
        }
        #expect(claim() == .limitReached)
        let found = cell.value.find(path("500"))
        #expect(found?.index == 500)
        let generation = first?.value.generation
        first?.value.reset()
        let later = first?.value.generation
        #expect(later == generation.map { $0 + 1 })
        let isForgotten = cell.value.find(path("500")) == nil
        #expect(isForgotten)
        let again = try cell.value.claim()
        let isSame = first.map { $0 == again }
        #expect(isSame == true)
        for index in [-1, 1024, Int.max] {
            let isNone = cell.value.cell(index) == nil
            #expect(isNone)
        }
        let count = cell.value.count
        #expect(count == 1024)
    }
}
