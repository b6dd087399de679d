// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is told of a queue, its object being open.
extension FactWriter where Self: ~Copyable {
    /// Setup and positions.
    mutating func addQueue(_ queue: QueueFacts) {
        add("ring", queue.index)
        add("direction", words: queue.index & 1 == 0 ? "to guest" : "from guest")
        add("format", words: queue.isPacked ? "packed" : "split")
        add("size", queue.size)
        add("header_bytes", queue.headerByteCount)
        add("enabled", queue.isEnabled)
        add("started", queue.hasRing)
        add("reported", queue.isReported)
        add("paused", queue.isPaused)
        add("engine_stuck", queue.isStuck)
        add("awaits_translation", queue.isAwaitingTranslation)
        add("broken", queue.isBroken)
        add("kick", words: queue.kick.words)
        add("call", words: queue.call.words)
        add("wants_kicks", queue.wantsKicks)
        addAddresses(queue)
        addPosition("next_available", queue.nextAvailable, queue.isPacked)
        addPosition("next_used", queue.nextUsed, queue.isPacked)
    }

    private mutating func addAddresses(_ queue: QueueFacts) {
        if let given = queue.addresses {
            openObject("frontend_addresses")
            add("descriptors", hex: given.descriptors.rawValue)
            add("available", hex: given.available.rawValue)
            add("used", hex: given.used.rawValue)
            closeObject()
        }
        if let places = queue.places {
            openObject("host_addresses")
            add("descriptors", hex: UInt64(places.descriptors))
            add("available", hex: UInt64(places.available))
            add("used", hex: UInt64(places.used))
            closeObject()
        }
    }

    private mutating func addPosition(_ key: StaticString, _ bits: UInt16, _ isPacked: Bool) {
        guard isPacked else { return add(key, UInt64(bits)) }
        openObject(key)
        add("slot", UInt64(bits & 0x7fff))
        add("wrap_counter", UInt64(bits >> 15))
        closeObject()
    }

    /// The application's DMA engine.
    mutating func addEngine(_ engine: EngineFacts) {
        openObject("engine")
        add("attached", engine.isRegistered)
        if engine.isRegistered {
            add("relaxed_order", engine.isRelaxed)
            add("threshold", engine.threshold)
        }
        add("in_flight", engine.inflightCount)
        add("copying", engine.engineCount)
        closeObject()
    }

    /// Translations.
    mutating func addTranslations(_ iotlb: TranslationFacts) {
        openObject("iotlb")
        add("entries", iotlb.entryCount)
        add("hits", iotlb.lookups.hits)
        add("misses", iotlb.lookups.misses)
        add("unanswered", iotlb.openMissCount)
        closeObject()
    }

    /// Counters, by their public names.
    mutating func addCounters(_ counters: QueueCounters) {
        openObject("counters")
        for counter in QueueCounter.rows { add(counter.name, counters[counter]) }
        closeObject()
    }
}
