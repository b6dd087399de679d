// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import RteVhostSwift

/// What a chain means, written without looking at the library: virtio 1.2, 2.7.5, over arrays.
struct ReferenceWalk {
    /// The ring's descriptors.
    var ring: [MockDescriptor]
    /// Indirect tables by address.
    var tables: [UInt64: [MockDescriptor]] = [:]
    /// Guest memory, in ascending order.
    var regions: [Range<UInt64>]

    /// A run of bytes in one region.
    struct Piece: Equatable {
        var address: UInt64
        var byteCount: Int
    }

    enum Result: Equatable {
        case pieces([Piece])
        case fault(ChainFault)
    }

    /// Follows a chain.
    func walk(_ head: UInt16, _ direction: ChainDirection) -> Result {
        guard Int(head) < ring.count else { return .fault(.badChain) }
        let first = ring[Int(head)]
        guard first.flags & MockDescriptor.indirect != 0 else {
            return follow(ring, from: Int(head), direction)
        }
        guard first.flags & MockDescriptor.next == 0, first.byteCount > 0,
            first.byteCount % 16 == 0, first.byteCount / 16 <= 1024
        else { return .fault(.badChain) }
        guard let table = tables[first.address] else { return .fault(.unmapped) }
        return follow(table, from: 0, direction)
    }

    private func follow(
        _ table: [MockDescriptor], from start: Int, _ direction: ChainDirection
    ) -> Result {
        var pieces: [Piece] = []
        var visited: Set<Int> = []
        var index = start
        while true {
            guard index < table.count, visited.insert(index).inserted else {
                return .fault(.badChain)
            }
            let descriptor = table[index]
            // Only a ring's first descriptor may refer to a table.
            guard descriptor.flags & MockDescriptor.indirect == 0 else { return .fault(.badChain) }
            let isWritable = descriptor.flags & MockDescriptor.write != 0
            guard isWritable == (direction == .deviceWrites) else { return .fault(.direction) }
            guard let found = split(descriptor) else { return .fault(.unmapped) }
            pieces += found
            guard descriptor.flags & MockDescriptor.next != 0 else { return .pieces(pieces) }
            index = Int(descriptor.next)
        }
    }

    /// A buffer in pieces that each lie in one region.
    func split(_ descriptor: MockDescriptor) -> [Piece]? {
        var pieces: [Piece] = []
        var address = descriptor.address
        var rest = UInt64(descriptor.byteCount)
        while rest > 0 {
            guard let region = regions.first(where: { $0.contains(address) }) else { return nil }
            let count = min(rest, region.upperBound - address)
            pieces.append(Piece(address: address, byteCount: Int(count)))
            address += count
            rest -= count
        }
        return pieces
    }
}
