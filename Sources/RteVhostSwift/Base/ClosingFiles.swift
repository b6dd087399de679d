// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// Closes files that a peer sent and may serve by itself (FUSE: the kernel asks whoever serves a
/// file before it is closed, and waits), on threads that nobody waits for. They end when nothing is
/// left to close.
///
/// A frontend with 128 files that wait is hung up on, and its socket refuses others until some
/// are closed; from 1,024 files in the process on, one with any (`FrontendAccount.mayReceive`). So
/// what waits is bounded by 1,024 and 32 for each socket whose files do not close.
struct ClosingFiles: ~Copyable {
    /// A file, and whose it was.
    private struct Entry {
        var number: Int32 = -1
        var account: HeapCell<FrontendAccount>?
    }

    private static let shared = LazyCell<ClosingFiles>()
    /// Files that are not closed yet, those that threads close now included.
    private static let total = Atomic<Int>(0)

    /// Most threads; when all of them wait, files stay open until one is answered.
    private static var threadLimit: Int { 16 }
    /// Most threads for the files of one socket: the others are for the other sockets.
    private static var accountThreadLimit: Int { 4 }
    /// Most files that wait, those of a hundred hostile sockets; those beyond stay open for good.
    private static var fileLimit: Int { 4096 }
    /// How long a file takes to close that nobody is asked about, in nanoseconds.
    private static var patience: UInt64 { 5_000_000 }

    private var files = InlineArray<4096, Entry>(repeating: Entry())
    private var count = 0
    /// Where the next thread begins to look.
    private var cursor = 0
    /// When each thread began with its file, 0 for none.
    private var starts = InlineArray<16, UInt64>(repeating: 0)

    /// Nothing to close.
    init() {}

    /// True when so many wait that nobody may add to them who did already.
    static var isCrowded: Bool { total.load(ordering: .relaxed) >= 1024 }

    /// Closes a file, now or later. Any thread, whatever locks it holds.
    static func close(_ number: Int32) { close(number, of: FrontendAccount.own) }

    /// Closes a file that a frontend sent, now or later. Any thread, whatever locks it holds.
    static func close(_ number: Int32, of account: HeapCell<FrontendAccount>?) {
        do throws(VhostError) {
            let cell = try shared.get { () throws(VhostError) in try HeapCell(ClosingFiles()) }
            let entry = Entry(number: number, account: account)
            note(entry, 1)
            guard cell.lock.withLock({ cell.value.append(entry) }) else { return }
            startThread(cell)
        } catch {
            _ = CRteVhost.close(number)
        }
    }

    private static func note(_ entry: Entry, _ change: Int) {
        total.add(change, ordering: .relaxed)
        entry.account?.value.closingCount.add(change, ordering: .releasing)
    }

    private static func startThread(_ cell: HeapCell<ClosingFiles>) {
        do throws(VhostError) {
            try System.startThread(OpaqueCell(cell)) { cell in
                run(cell.cell(of: ClosingFiles.self))
            }
        } catch {
            // Those that run come to the file; where none does, it is closed here, whoever may be
            // asked: a process that can start no thread has worse to fear.
            if cell.lock.withLock({ cell.value.isForsaken }) { run(cell) }
        }
    }

    /// True when files wait and no thread is there.
    private var isForsaken: Bool {
        guard count > 0 else { return false }
        for index in 0..<Self.threadLimit where starts[index] != 0 { return false }
        return true
    }

    /// True when no thread is there that will come to the file soon.
    private mutating func append(_ entry: Entry) -> Bool {
        guard count < Self.fileLimit else { return false }
        files[count] = entry
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
        while let entry = cell.lock.withLock({ cell.value.next(thread) }) {
            // This one may not come back, whatever the others are.
            if cell.lock.withLock({ cell.value.wantsThread }) { startThread(cell) }
            _ = CRteVhost.close(entry.number)
            entry.account?.value.closerCount.subtract(1, ordering: .releasing)
            note(entry, -1)
        }
    }

    private mutating func claimThread() -> Int? {
        for index in 0..<Self.threadLimit where starts[index] == 0 {
            starts[index] = System.nanoseconds()
            return index
        }
        return nil
    }

    /// A file whose account has a thread left; nil without any.
    private func eligible() -> Int? {
        for step in 0..<count {
            let index = (cursor + step) % count
            guard let account = files[index].account else { return index }
            let closers = account.value.closerCount.load(ordering: .acquiring)
            if closers < Self.accountThreadLimit { return index }
        }
        return nil
    }

    /// True when another thread would have something to do.
    private var wantsThread: Bool {
        guard eligible() != nil else { return false }
        for index in 0..<Self.threadLimit where starts[index] == 0 { return true }
        return false
    }

    /// The next file for a thread; nil, and the thread is forgotten, when there is none.
    private mutating func next(_ thread: Int) -> Entry? {
        guard let index = eligible() else {
            starts[thread] = 0
            return nil
        }
        starts[thread] = System.nanoseconds()
        let entry = files[index]
        count -= 1
        files[index] = files[count]
        cursor = index
        entry.account?.value.closerCount.add(1, ordering: .acquiring)
        return entry
    }
}
