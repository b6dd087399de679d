// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Memory: ranges that are guarded", .serialized)
struct MemoryGuardTests {
    @Test("as many as 1,024 devices of eight regions and more, each with a slot of its own")
    func many() throws {
        var slots = Set<UInt32>()
        for index in 0..<20_000 {
            let start = UInt(index + 1) << 40
            slots.insert(try MemoryGuard.add(start: start, end: start + 4096))
        }
        #expect(slots.count == 20_000)
        for slot in slots {
            #expect(!MemoryGuard.isBroken(slot))
            MemoryGuard.remove(slot)
        }
        // Other tests of the process have slots, too: before these, and some of these by now.
        let slot = try MemoryGuard.add(start: 1 << 40, end: 2 << 40)
        #expect(slot <= slots.max()!)
        MemoryGuard.remove(slot)
    }
}
