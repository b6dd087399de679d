// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Misses that the frontend was told of and has not answered, so that polling does not tell it again
/// each time. When the list is full nothing is told: that bounds what a guest can make us send.
struct PendingMisses: BitwiseCopyable {
    /// Most misses that wait.
    static let capacity = 32
    /// How long an answer is waited for before the miss is told again: the guest may map late, and
    /// nobody says so.
    static let patience: UInt64 = 1_000_000_000

    /// The same where the guest changed the mapping meanwhile: the frontend may have looked before,
    /// in vain, or have the miss yet to read. Linux takes back all that there is every few
    /// milliseconds: asked again at once, each miss would be answered twice.
    static let patienceAfterChange: UInt64 = 100_000_000

    private struct Waiting: BitwiseCopyable {
        var miss = TranslationMiss(
            address: GuestAddress(rawValue: 0), permission: AccessPermission(rawValue: 0))
        /// When it may be told again; 0 for a free place.
        var deadline: UInt64 = 0
        /// The frontend granted less than was asked for: no answer is open.
        var isAnswered = false
    }

    private var waiting = InlineArray<32, Waiting>(repeating: Waiting())

    /// Notes a miss that is about to be told. False when it was told already, or there are too
    /// many. By pages: one whose second answer comes when the chain is long done makes the frontend
    /// look up what the guest no longer has mapped, which guests take for a fault of the device's.
    mutating func begin(_ miss: TranslationMiss, now: UInt64) -> Bool {
        var free: Int?
        for index in 0..<Self.capacity {
            guard waiting[index].deadline > now else {
                free = free ?? index
                continue
            }
            if waiting[index].miss.isSamePage(as: miss) { return false }
        }
        guard let free else { return false }
        waiting[free] = Waiting(miss: miss, deadline: now &+ Self.patience)
        return true
    }

    /// Misses that were told and not answered.
    var openCount: Int {
        var count = 0
        for index in 0..<Self.capacity
        where waiting[index].deadline > 0 && !waiting[index].isAnswered {
            count += 1
        }
        return count
    }

    /// Forgets a miss that could not be told.
    mutating func cancel(_ miss: TranslationMiss) {
        for index in 0..<Self.capacity where waiting[index].miss == miss {
            waiting[index].deadline = 0
        }
    }

    /// Forgets those from `first` to `last` that `permission` satisfies: a frontend that grants
    /// less than was asked is not asked again at once.
    mutating func end(first: UInt64, last: UInt64, _ permission: AccessPermission) {
        for index in 0..<Self.capacity {
            let miss = waiting[index].miss
            guard miss.address.rawValue >= first, miss.address.rawValue <= last else { continue }
            if permission.allows(miss.permission) {
                waiting[index].deadline = 0
            } else {
                waiting[index].isAnswered = true
            }
        }
    }

    /// Lets those from `first` to `last` be told again: soon where an answer is open, or else now.
    mutating func invalidate(first: UInt64, last: UInt64, now: UInt64) {
        for index in 0..<Self.capacity {
            let address = waiting[index].miss.address.rawValue
            guard address >= first, address <= last else { continue }
            let soon = waiting[index].isAnswered ? 0 : now &+ Self.patienceAfterChange
            waiting[index].deadline = min(waiting[index].deadline, soon)
        }
    }
}
