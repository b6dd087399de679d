// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Base: lists of users")
struct UserListTests {
    private func list(_ text: String) throws(VhostError) -> UserList {
        let bytes = Array(text.utf8) + [0]
        // An index beyond the zero would trap.
        return try UserList { bytes[$0] }
    }

    @Test("numbers with commas between them")
    func numbers() throws {
        let users = try list("0,64055,4294967294")
        #expect(users.count == 3)
        #expect(users.contains(0) && users.contains(64055) && users.contains(.max - 1))
        #expect(!users.contains(1) && !users.contains(.max))
        #expect(try list("7") == list("007"))
        #expect(try list("7") != list("8"))
        #expect(try list("7") != list("7,7"))
    }

    @Test(
        "anything else is refused",
        arguments: ["", ",", "1,", ",1", "1,,2", " 1", "1 ", "x", "-1", "4294967296", "1;2"])
    func others(_ text: String) {
        #expect(fault { () throws(VhostError) in _ = try list(text) } == .invalidArgument)
    }

    @Test("sixteen are a list, one more is not; nor is the number of nobody")
    func limits() throws {
        let most = (1...16).map(String.init).joined(separator: ",")
        #expect(try list(most).count == UserList.maximumCount)
        #expect(fault { () throws(VhostError) in _ = try list(most + ",17") } == .limitReached)
        #expect(fault { () throws(VhostError) in _ = try list("4294967295") } == .invalidArgument)
    }
}
