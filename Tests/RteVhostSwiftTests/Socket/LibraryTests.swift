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
        for bit in 10..<64 {
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
        try Library.change(path) { $0.value.callbacks = DeviceCallbacks() }
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
        try Library.change(path) { $0.value.callbacks = DeviceCallbacks() }
        let error = fault { () throws(VhostError) in try Library.start(path) }
        #expect(error == .system(EADDRINUSE))
        try Library.unregister(path)
        #expect(System.isSocket(path) && other.number >= 0)
        System.unlink(path)
    }
}
