// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Packets on their way to somebody who captures them: a ring of bytes with one writer, whoever
/// holds the queue's lock, and one reader, the control thread. Neither waits for the other: what
/// finds no room is counted and left out. As old as its queue; the bytes are there only while
/// somebody captures.
///
/// A record is five words and the packet's bytes, rounded up to a word: its bytes here (32 bits) and
/// as it is (32 bits); nanoseconds; packets left out so far; bytes 0 to 7 of the virtio-net header;
/// bytes 8 to 11 of it.
struct CaptureRing: ~Copyable {
    /// Bytes of the ring: a power of two.
    static let capacity = 4 << 20
    /// Bytes of a record in front of the packet's.
    static let headByteCount = 40
    /// Most bytes of a packet.
    static let longest = 1 << 18

    /// True from `open` to `release`; control thread alone. A device that ends closes the ring while
    /// its reader still reads: nobody else may until that one lets go. The first field, as `HeapCell`
    /// wants it: `release` is called while a burst may write, and looks before it changes the others.
    private var hasReader = false
    /// Control thread alone, while nobody may write.
    private var bytes = FixedBuffer<UInt8>()
    /// Most bytes of a packet that are wanted; control thread alone, while nobody may write.
    private(set) var limit = 0
    private let isOpen = Atomic<Bool>(false)
    private let isWriting = Atomic<Bool>(false)
    private let head = Atomic<UInt64>(0)
    private let tail = Atomic<UInt64>(0)
    /// Where the record at hand goes on; the writer's alone.
    private let cursor = Atomic<UInt64>(0)
    private let lost = Atomic<UInt64>(0)

    /// One that nobody uses.
    init() {}

    /// Has packets written here from now on. False when somebody reads it already, or where the
    /// writer has not noticed the end of the last time yet. Throws `outOfMemory`.
    mutating func open(limit: Int) throws(VhostError) -> Bool {
        guard !hasReader, !isOpen.load(ordering: .sequentiallyConsistent),
            !isWriting.load(ordering: .sequentiallyConsistent)
        else { return false }
        if bytes.count == 0 { bytes = try FixedBuffer(count: Self.capacity, repeating: 0) }
        self.limit = min(max(limit, 0), Self.longest)
        head.store(0, ordering: .relaxed)
        tail.store(0, ordering: .relaxed)
        lost.store(0, ordering: .relaxed)
        hasReader = true
        isOpen.store(true, ordering: .sequentiallyConsistent)
        return true
    }

    /// Nothing is written here any more, but what was may still be read. Any thread.
    func close() { isOpen.store(false, ordering: .sequentiallyConsistent) }

    /// The reader lets go. Gives the memory back, if the writer has noticed that it is closed; else the next reader has
    /// it.
    mutating func release() {
        close()
        hasReader = false
        // Either this sees the writer's flag, or the writer sees that it is closed.
        guard !isWriting.load(ordering: .sequentiallyConsistent) else { return }
        bytes = FixedBuffer()
    }

    /// False once it was closed.
    var isInUse: Bool { isOpen.load(ordering: .sequentiallyConsistent) }

    /// True while a burst puts packets in, which may have begun before it was closed.
    var isWritten: Bool { isWriting.load(ordering: .sequentiallyConsistent) }

    /// Packets left out.
    var lostCount: UInt64 { lost.load(ordering: .relaxed) }
}

/// The writer's side. The queue's lock is held.
extension CaptureRing {
    /// Begins to write; false when nobody reads, and then nothing may be written.
    func beginWriting() -> Bool {
        isWriting.store(true, ordering: .sequentiallyConsistent)
        if isOpen.load(ordering: .sequentiallyConsistent) { return true }
        endWriting()
        return false
    }

    /// Ends it.
    func endWriting() { isWriting.store(false, ordering: .sequentiallyConsistent) }

    /// Begins a record with so many of a packet's bytes; false, and the packet is counted as left
    /// out, where there is no room.
    func beginRecord(
        byteCount: Int, of packetByteCount: Int, time: UInt64, header: (UInt64, UInt64)
    ) -> Bool {
        let start = tail.load(ordering: .relaxed)
        let used = start &- head.load(ordering: .acquiring)
        let size = Self.recordByteCount(byteCount)
        guard byteCount <= Self.longest, used &+ UInt64(size) <= UInt64(Self.capacity) else {
            lost.add(1, ordering: .relaxed)
            return false
        }
        cursor.store(start, ordering: .relaxed)
        put(UInt64(byteCount) | UInt64(UInt32(truncatingIfNeeded: packetByteCount)) << 32)
        put(time)
        put(lost.load(ordering: .relaxed))
        put(header.0)
        put(header.1)
        // What rounding leaves behind the packet is no older packet.
        if byteCount & 7 != 0 {
            store(0, at: start &+ UInt64(size) &- 8)
        }
        return true
    }

    /// Appends bytes of the packet: in all as many as were announced.
    func put(_ source: UnsafeRawPointer, count: Int) {
        precondition(count >= 0 && count <= Self.longest)
        let position = cursor.load(ordering: .relaxed)
        let offset = Int(position & UInt64(Self.capacity &- 1))
        let first = min(count, Self.capacity &- offset)
        precondition(bytes.count == Self.capacity)
        // SAFETY: the caller's bytes are `count`; the ring has its capacity behind its base, and
        // both pieces end within it, by the two lines above.
        unsafe UnsafeMutableRawPointer(bytes.base + offset)
            .copyMemory(from: source, byteCount: first)
        unsafe UnsafeMutableRawPointer(bytes.base)
            .copyMemory(from: source + first, byteCount: count &- first)
        cursor.store(position &+ UInt64(count), ordering: .relaxed)
    }

    /// Shows the record to the reader.
    func endRecord() {
        let end = (cursor.load(ordering: .relaxed) &+ 7) & ~7
        tail.store(end, ordering: .releasing)
    }

    /// Bytes of a record with so many of a packet.
    static func recordByteCount(_ byteCount: Int) -> Int {
        (headByteCount &+ byteCount &+ 7) & ~7
    }

    private func put(_ word: UInt64) {
        let position = cursor.load(ordering: .relaxed)
        store(word, at: position)
        cursor.store(position &+ 8, ordering: .relaxed)
    }

    private func store(_ word: UInt64, at position: UInt64) {
        let offset = Int(position & UInt64(Self.capacity &- 1))
        precondition(offset <= bytes.count &- 8)
        // SAFETY: within the buffer, by the line above.
        unsafe UnsafeMutableRawPointer(bytes.base + offset)
            .storeBytes(of: word, as: UInt64.self)
    }
}

/// The reader's side. Control thread alone.
extension CaptureRing {
    /// What may be read, as far as it lies in one piece.
    var pending: FixedView<UInt8> {
        let start = head.load(ordering: .relaxed)
        let count = Int(tail.load(ordering: .acquiring) &- start)
        let offset = Int(start & UInt64(Self.capacity &- 1))
        return bytes.view(from: offset, count: min(count, Self.capacity &- offset))
    }

    /// The first `count` bytes of it were read.
    func drop(_ count: Int) {
        head.store(head.load(ordering: .relaxed) &+ UInt64(count), ordering: .releasing)
    }
}
