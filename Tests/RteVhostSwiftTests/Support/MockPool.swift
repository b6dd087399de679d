// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import RteVhostSwift

/// A packet pool of the library that a test owns.
final class MockPool {
    let own: OwnPool

    init(count: Int, cacheSize: Int = 0, dataRoom: Int = 2048 + 128) throws {
        own = try OwnPool.create(
            count: count, cacheSize: cacheSize, privateSize: 0, dataRoom: dataRoom, socket: 0)
    }

    deinit { own.destroy() }

    /// The pool as a burst sees it.
    var pool: PacketPool { PacketPool(own.address) }

    /// A fresh mbuf; nil when the pool is empty.
    func packet() -> PacketBuffer? {
        var object: UnsafeMutableRawPointer?
        guard pool.take(1, into: &object), let object else { return nil }
        let packet = PacketBuffer(object: object)
        packet.prepare()
        return packet
    }

    /// A packet of these bytes, cut into segments of these lengths; the last takes the rest.
    func packet(_ bytes: [UInt8], cuts: [Int] = []) -> PacketBuffer {
        let first = packet()!
        var tail = first
        var position = 0
        for (index, count) in (cuts + [bytes.count - cuts.reduce(0, +)]).enumerated() {
            if index > 0 {
                let more = packet()!
                tail.next = more
                tail = more
                first.segmentCount += 1
            }
            precondition(count <= tail.capacity)
            tail.byteCount = count
            for offset in 0..<count { tail.data.setByte(bytes[position + offset], at: offset) }
            position += count
        }
        first.packetByteCount = bytes.count
        return first
    }
}

extension PacketBuffer {
    /// All bytes of all segments.
    var allBytes: [UInt8] {
        var bytes: [UInt8] = []
        var segment: PacketBuffer? = self
        while let current = segment {
            bytes += (0..<current.byteCount).map { current.data.byte($0)! }
            segment = current.next
        }
        return bytes
    }
}
