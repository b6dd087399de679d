// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Base: system calls")
struct SystemTests {
    @Test("an eventfd is anonymous, a pipe or a file is not")
    func anonymous() throws {
        let event = try System.makeEvent()
        let isAnonymous = System.isAnonymous(event)
        #expect(isAnonymous)
    }
}
