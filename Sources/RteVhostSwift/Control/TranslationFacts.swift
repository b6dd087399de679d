// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is told of a queue's translations.
struct TranslationFacts {
    /// Translations that are known.
    let entryCount: Int
    /// Lookups that found what they wanted, and others.
    let lookups: (hits: UInt64, misses: UInt64)
    /// Misses that the frontend was told of and has not answered.
    let openMissCount: Int

    /// Of an image.
    private init(_ iotlb: borrowing IOTLB) {
        entryCount = iotlb.count
        lookups = iotlb.lookups
        openMissCount = iotlb.openMissCount
    }

    /// Of a cache that bursts use.
    static func look(
        at iotlb: HeapCell<IOTLB>, _ scratch: borrowing FixedBuffer<UInt64>
    ) -> TranslationFacts {
        iotlb.withImage(scratch) { TranslationFacts($0) }
    }
}
