// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What frontends said to a device, and what was made of it. Its cell's own lock guards it, which
/// nothing else is done under: whoever looks from outside holds up the event thread for as long as
/// it takes to copy it, and no burst ever.
struct DeviceHistory {
    /// Messages that are remembered.
    static let messageLimit = 16

    /// Messages handled.
    private(set) var handled: UInt64 = 0
    /// Messages refused.
    private(set) var refused: UInt64 = 0
    /// The same by reason.
    private var refusals = InlineArray<18, UInt64>(repeating: 0)
    /// Among them those with which the frontend broke the protocol.
    private(set) var faults: UInt64 = 0
    /// Connections that the socket had before this one.
    private(set) var reconnections: UInt64 = 0
    /// Times that the guest's memory was cut short under the device.
    private(set) var memoryFaults: UInt64 = 0
    /// The last message that was refused, or what ended the connection.
    private(set) var lastRefusal: MessageRecord?
    private var messages = InlineArray<16, MessageRecord>(repeating: MessageRecord())
    private var messageCount = 0
    /// What the counters were when they were set to zero.
    private var before = DeviceCounters()

    /// Nothing was said yet.
    init() {}

    /// A fresh connection, of a socket that had so many before.
    mutating func open(reconnections: UInt64) {
        self = DeviceHistory()
        self.reconnections = reconnections
    }

    /// Takes a message in.
    mutating func add(_ message: MessageRecord) {
        messages[messageCount % Self.messageLimit] = message
        messageCount &+= 1
        guard let error = message.error else { return handled &+= 1 }
        refuse(message, error)
    }

    /// The guest's memory was cut short.
    mutating func addMemoryFault(at time: UInt64) {
        memoryFaults &+= 1
        faults &+= 1
        lastRefusal = MessageRecord(time: time, error: .frontend(.memoryGone))
    }

    private mutating func refuse(_ message: MessageRecord, _ error: VhostError) {
        refused &+= 1
        refusals[Refusal(error).rawValue] &+= 1
        if case .frontend = error { faults &+= 1 }
        lastRefusal = message
    }

    /// Messages that are remembered.
    var count: Int { min(messageCount, Self.messageLimit) }

    /// One of them, the oldest first.
    subscript(index: Int) -> MessageRecord {
        messages[(messageCount - count + index) % Self.messageLimit]
    }
}

extension DeviceHistory {
    /// The counters since they were set to zero.
    var counters: DeviceCounters {
        var counters = totals
        counters.subtract(before)
        return counters
    }

    /// Has the counters begin at zero.
    mutating func resetCounters() { before = totals }

    private var totals: DeviceCounters {
        var counters = DeviceCounters()
        for (index, counter) in DeviceCounter.rows.enumerated() {
            counters[index] = total(counter)
        }
        return counters
    }

    private func total(_ counter: DeviceCounter) -> UInt64 {
        switch counter {
        case .handled: handled
        case .refused:
            refused
        case .faults: faults
        case .reconnections: reconnections
        case .memoryFaults: memoryFaults
        case .refusal(let reason): refusals[reason.rawValue]
        }
    }
}
