// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// Closes files that a peer sent and may serve by itself (FUSE: the kernel asks whoever serves a
/// file before it is closed, and waits), on threads that nobody waits for. They end when nothing is
/// left to close.
struct ClosingFiles: ~Copyable {
    private static let shared = LazyCell<ClosingFiles>()

    /// Most threads; when all of them wait, files stay open until one is answered.
    private static var threadLimit: Int { 16 }
    /// Most files that wait; those beyond stay open for good.
    private static var fileLimit: Int { 1024 }
    /// How long a file takes to close that nobody is asked about, in nanoseconds.
    private static var patience: UInt64 { 5_000_000 }

    private var files = InlineArray<1024, Int32>(repeating: -1)
    private var first = 0
    private var count = 0
    /// When each thread began with its file, 0 for none.
    private var starts = InlineArray<16, UInt64>(repeating: 0)

    /// Nothing to close.
    init() {}

    /// Closes a file, now or later. Any thread, whatever locks it holds.
    static func close(_ number: Int32) {
        do throws(VhostError) {
            let cell = try shared.get { () throws(VhostError) in try HeapCell(ClosingFiles()) }
            guard cell.lock.withLock({ cell.value.append(number) }) else { return }
            do throws(VhostError) {
                try System.startThread(OpaqueCell(cell)) { cell in
                    run(cell.cell(of: ClosingFiles.self))
                }
            } catch {
                // Those that run come to the file; where none does, it is closed here, whoever
                // may be asked: a process that can start no thread has worse to fear.
                if cell.lock.withLock({ cell.value.isForsaken }) { run(cell) }
            }
        } catch {
            _ = CRteVhost.close(number)
        }
    }

    /// True when files wait and no thread is there.
    private var isForsaken: Bool {
        guard count > 0 else { return false }
        for index in 0..<Self.threadLimit where starts[index] != 0 { return false }
        return true
    }

    /// True when no thread is there that will come to the file soon.
    private mutating func append(_ number: Int32) -> Bool {
        guard count < Self.fileLimit else { return false }
        files[(first + count) % Self.fileLimit] = number
        count += 1
        let now = System.nanoseconds()
        var hasFree = false
        for index in 0..<Self.threadLimit {
            if starts[index] == 0 {
                hasFree = true
            } else if now &- starts[index] < Self.patience {
                return false
            }
        }
        return hasFree
    }

    private static func run(_ cell: HeapCell<ClosingFiles>) {
        guard let thread = cell.lock.withLock({ cell.value.claimThread() }) else { return }
        while let number = cell.lock.withLock({ cell.value.next(thread) }) {
            _ = CRteVhost.close(number)
        }
    }

    private mutating func claimThread() -> Int? {
        for index in 0..<Self.threadLimit where starts[index] == 0 {
            starts[index] = System.nanoseconds()
            return index
        }
        return nil
    }

    /// The next file for a thread; nil, and the thread is forgotten, when there is none.
    private mutating func next(_ thread: Int) -> Int32? {
        guard count > 0 else {
            starts[thread] = 0
            return nil
        }
        starts[thread] = System.nanoseconds()
        let number = files[first]
        first = (first + 1) % Self.fileLimit
        count -= 1
        return number
    }
}
