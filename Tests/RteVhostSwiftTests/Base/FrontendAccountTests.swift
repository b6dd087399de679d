// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Base: frontend account")
struct FrontendAccountTests {
    /// Causes lines until none is written any more.
    private func exhaust(_ account: inout FrontendAccount, _ level: Log.Level) {
        // Bounded: more than any allowance.
        for _ in 0..<10000 where account.admit(level) == nil { return }
        Issue.record("there is no end to lines of level \(level)")
    }

    @Test("chatter that was left out is no complaint when it is told")
    func chatterLeftOut() throws {
        var account = FrontendAccount()
        exhaust(&account, .info)
        let line = account.admit(.warning)
        let told = try #require(line)
        #expect(told.count > 0)
        #expect(told.level == .info)
        let again = account.admit(.warning)
        #expect(again?.count == 0)
    }

    @Test("complaints that were left out are told as such, whatever comes next")
    func complaintsLeftOut() throws {
        var account = FrontendAccount()
        exhaust(&account, .error)
        let line = account.admit(.info)
        let told = try #require(line)
        #expect(told.count > 0)
        #expect(told.level == .error)
    }
}
