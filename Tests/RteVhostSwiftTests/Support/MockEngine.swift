// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// A DMA engine whose pace a test decides: takes packets into a queue, copies them when told.
final class MockEngine {
    /// A piece: from, to, count.
    typealias Piece = (from: UInt, to: UInt, count: Int)

    /// The engine of each device, by vid; a test has a vid of its own.
    nonisolated(unsafe) private static let engines = {
        let engines = UnsafeMutablePointer<MockEngine?>.allocate(capacity: 64)
        engines.initialize(repeating: nil, count: 64)
        return engines
    }()

    /// Packets taken and not copied yet.
    private(set) var waiting: [[Piece]] = []
    /// Packets copied and not reported yet.
    private(set) var done = 0
    /// Pieces of each packet that was ever taken.
    private(set) var taken: [Int] = []
    /// What `transfer_data` answers: nil for "all of it".
    var answer: Int32?
    /// What `check_completed_copies` answers: nil for the truth.
    var report: Int32?

    init(vid: Int32) { Self.engines[Int(vid)] = self }

    /// Copies the first packets that wait.
    func copy(_ count: Int) {
        for packet in waiting.prefix(count) {
            for piece in packet {
                UnsafeMutableRawPointer(bitPattern: piece.to)!.copyMemory(
                    from: UnsafeRawPointer(bitPattern: piece.from)!, byteCount: piece.count)
            }
            done += 1
        }
        waiting.removeFirst(min(count, waiting.count))
    }

    private typealias Transfer =
        @convention(c) (
            Int32, UInt16, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UInt16
        ) -> Int32
    private typealias Check =
        @convention(c) (
            Int32, UInt16, UnsafeMutableRawPointer?, UInt16
        ) -> Int32

    /// The two functions as the API wants them.
    static func callbacks() throws -> EngineCallbacks {
        let table = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 8)
        defer { table.deallocate() }
        let transfer: Transfer = { vid, _, descriptors, _, count in
            MockEngine.engines[Int(vid)]!.take(UnsafeRawPointer(descriptors!), Int(count))
        }
        let check: Check = { vid, _, _, limit in
            MockEngine.engines[Int(vid)]!.completed(Int(limit))
        }
        table.storeBytes(of: transfer, as: Transfer.self)
        table.storeBytes(of: check, toByteOffset: 8, as: Check.self)
        return try #require(EngineCallbacks(rebind(table)))
    }

    /// A pointer of the type that the caller wants.
    private static func rebind<Value>(_ pointer: UnsafeMutableRawPointer) -> UnsafePointer<Value> {
        UnsafePointer(pointer.assumingMemoryBound(to: Value.self))
    }

    /// `struct rte_vhost_async_desc`: two pointers to `struct rte_vhost_iov_iter`, which is offset,
    /// count, iovecs and their number.
    private func take(_ descriptors: UnsafeRawPointer, _ count: Int) -> Int32 {
        let accepted = min(Int(answer ?? Int32(count)), count)
        for index in 0..<max(0, accepted) {
            let sides = (0..<2).map { side in
                descriptors.load(
                    fromByteOffset: index * 16 + side * 8, as: UnsafeRawPointer.self)
            }
            let segments = sides[0].load(fromByteOffset: 24, as: Int.self)
            #expect(sides[1].load(fromByteOffset: 24, as: Int.self) == segments)
            let vectors = sides.map { $0.load(fromByteOffset: 16, as: UnsafeRawPointer.self) }
            let packet: [Piece] = (0..<segments).map { piece in
                let from = vectors[0] + piece * 16
                let to = vectors[1] + piece * 16
                let length = from.load(fromByteOffset: 8, as: Int.self)
                #expect(to.load(fromByteOffset: 8, as: Int.self) == length)
                return (from.load(as: UInt.self), to.load(as: UInt.self), length)
            }
            let total = packet.reduce(0) { $0 + $1.count }
            #expect(sides[0].load(fromByteOffset: 8, as: Int.self) == total)
            waiting.append(packet)
            taken.append(segments)
        }
        return answer ?? Int32(count)
    }

    private func completed(_ limit: Int) -> Int32 {
        if let report { return report }
        let count = min(limit, done)
        done -= count
        return Int32(count)
    }
}
