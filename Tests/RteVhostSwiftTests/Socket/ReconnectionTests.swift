// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Socket: when clients connect")
struct ReconnectionTests {
    private let millisecond: UInt64 = 1_000_000

    @Test("nothing to try before the start, nor behind a connection")
    func idle() {
        var reconnection = Reconnection()
        #expect(reconnection.due == nil)
        reconnection.tryAtOnce(5)
        #expect(reconnection.due == 5)
        reconnection.stop()
        #expect(reconnection.due == nil)
    }

    @Test("intervals double from 10 ms up to a second, and begin anew")
    func intervals() {
        var reconnection = Reconnection()
        reconnection.tryAtOnce(0)
        var expected: UInt64 = 10
        for _ in 0..<20 {
            reconnection.stop()
            reconnection.tryLater(1000)
            #expect(reconnection.due == 1000 + min(expected, 1000) * millisecond)
            expected *= 2
        }
        reconnection.tryAtOnce(7)
        reconnection.tryLater(7)
        #expect(reconnection.due == 7 + 10 * millisecond)
    }

    @Test("a connection that lasted a second served")
    func served() {
        #expect(!Reconnection.served(since: 10, until: 10 + 999 * millisecond))
        #expect(Reconnection.served(since: 10, until: 10 + 1000 * millisecond))
    }

    @Test("RTE_VHOST_USER_NO_RECONNECT counts for clients alone")
    func flags() {
        let expected = [false, true, false, false]
        for (bits, reconnects) in expected.enumerated() {
            #expect(DriverFlags(rawValue: UInt64(bits)).reconnects == reconnects)
        }
    }
}
