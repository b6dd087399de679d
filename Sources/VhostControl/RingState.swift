// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A ring of a device.
public struct RingState: Decodable, Sendable {
    /// Addresses of its parts, in hexadecimal.
    public struct Addresses: Decodable, Sendable {
        /// Descriptors.
        public var descriptors: String
        /// Available ring, or the driver's events.
        public var available: String
        /// Used ring, or the device's events.
        public var used: String
    }

    /// Its engine.
    public struct Engine: Decodable, Sendable {
        /// One is registered.
        public var attached: Bool
        /// Packets in flight.
        public var inFlight: Int
        /// Those of them that it has.
        public var copying: Int
    }

    /// Its translations.
    public struct Translations: Decodable, Sendable {
        /// Known ones.
        public var entries: Int
        /// Lookups that found one.
        public var hits: UInt64
        /// Lookups that did not.
        public var misses: UInt64
        /// Misses that the frontend owes an answer.
        public var unanswered: Int
    }

    /// Index.
    public var ring: Int
    /// "to guest" or "from guest".
    public var direction: String
    /// split or packed.
    public var format: String
    /// Slots.
    public var size: Int
    /// SET_VRING_ENABLE.
    public var enabled: Bool
    /// All that it needs has come.
    public var started: Bool
    /// The application was told.
    public var reported: Bool
    /// The control plane waits for the engine.
    public var paused: Bool
    /// The engine was waited for in vain.
    public var engineStuck: Bool
    /// Its addresses do not translate.
    public var awaitsTranslation: Bool
    /// The guest broke it.
    public var broken: Bool
    /// present, polled, missing.
    public var kick: String
    /// present, polled, missing.
    public var call: String
    /// In the frontend.
    public var frontendAddresses: Addresses?
    /// In the process.
    public var hostAddresses: Addresses?
    /// Position.
    public var nextAvailable: RingPosition
    /// Position.
    public var nextUsed: RingPosition
    /// What the guest offers.
    public var available: Int?
    /// Its engine.
    public var engine: Engine
    /// Its translations, behind an IOMMU.
    public var iotlb: Translations?
    /// Counters by name.
    public var counters: [String: UInt64]

    /// A counter, 0 where the process has none of this name.
    public func counter(_ name: String) -> UInt64 { counters[name] ?? 0 }

    /// Packets go to the guest.
    public var isToGuest: Bool { direction == "to guest" }

    /// Packets that were lost for whatever reason.
    public var dropped: UInt64 {
        counters.reduce(0) { sum, counter in
            counter.key.hasPrefix("dropped") ? sum &+ counter.value : sum
        }
    }
}
