// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// Finds out what file system a file lies in, on a thread of its own: where a peer serves the file
/// system, the answer may never come. What the event thread waits is on the account of the socket
/// that the file came in by (`FrontendAccount.patience`); when that is used up, or an answer is
/// still open, its files count as slow without being asked about.
struct FileInquiry: ~Copyable {
    private enum State: UInt8, AtomicRepresentable {
        case idle
        case asking
        case abandoned
        case answered
    }

    private let state = Atomic<State>(.idle)
    private let number = Atomic<Int32>(-1)
    private let answer = Atomic<UInt64>(0)
    /// Whose file it is.
    private let account = AtomicCell<FrontendAccount>()

    /// As many answers may be open; as long as they are, no more is asked.
    private static let cells = InlineArray<8, LazyCell<FileInquiry>> { _ in LazyCell() }
    /// How long an answer takes that the kernel has by itself, at most.
    private static var patience: UInt64 { 200_000_000 }
    /// Less is not worth a question.
    private static var leastPatience: UInt64 { 1_000_000 }

    /// No question.
    init() {}

    /// Throws `slowFile` unless the file lies in memory or in a local file system, where its pages
    /// come without anybody being asked; `system`. Not with a lock held.
    static func check(_ file: borrowing FileDescriptor) throws(VhostError) {
        guard !FileDescriptor.isPrompt(file.number) else { return }
        guard let type = try fileSystem(file), isLocal(type) else { throw .frontend(.slowFile) }
    }

    /// EXT4_SUPER_MAGIC, XFS, BTRFS, F2FS, ZFS, BCACHEFS; TMPFS, RAMFS and HUGETLBFS, where devices
    /// lie as well; buffers of devices. Not those that lie over others, which may be served.
    private static func isLocal(_ type: UInt64) -> Bool {
        switch type {
        case 0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x2fc1_2fc1, 0xca45_1a4e: true
        case 0x0102_1994, 0x8584_58f6, 0x9584_58f6, 0x444d_4142: true
        default: false
        }
    }

    /// Nil when nobody answers in time. Throws `system`.
    private static func fileSystem(
        _ file: borrowing FileDescriptor
    ) throws(VhostError) -> UInt64? {
        let account = FrontendAccount.own
        var patience = Self.patience
        if let account {
            guard account.value.openQuestionCount.load(ordering: .acquiring) == 0 else {
                return nil
            }
            let left = account.lock.withLock {
                account.value.patience.left(at: System.nanoseconds())
            }
            patience = min(patience, left)
            guard patience >= leastPatience else { return nil }
        }
        guard let cell = try claim() else { return nil }
        cell.value.account.store(account)
        do throws(VhostError) {
            var copy = try System.duplicate(file)
            cell.value.number.store(copy.number, ordering: .relaxed)
            try System.startThread(OpaqueCell(cell)) { cell in
                run(cell.cell(of: FileInquiry.self))
            }
            // The thread's.
            copy.release()
        } catch {
            cell.value.state.store(.idle, ordering: .releasing)
            throw error
        }
        let start = System.nanoseconds()
        let type = cell.value.wait(until: start &+ patience, account)
        if let account {
            let spent = System.nanoseconds() &- start
            account.lock.withLock { account.value.patience.take(spent) }
        }
        return type
    }

    private static func claim() throws(VhostError) -> HeapCell<FileInquiry>? {
        for index in 0..<8 {
            let cell = try cells[index].get { () throws(VhostError) in
                try HeapCell(FileInquiry())
            }
            let (isOurs, _) = cell.value.state.compareExchange(
                expected: .idle, desired: .asking, ordering: .acquiringAndReleasing)
            if isOurs { return cell }
        }
        return nil
    }

    /// Waits for the answer; nil when it does not come.
    private borrowing func wait(
        until deadline: UInt64, _ account: HeapCell<FrontendAccount>?
    ) -> UInt64? {
        while state.load(ordering: .acquiring) != .answered {
            if System.nanoseconds() > deadline {
                account?.value.openQuestionCount.add(1, ordering: .releasing)
                let (isAbandoned, _) = state.compareExchange(
                    expected: .asking, desired: .abandoned, ordering: .acquiringAndReleasing)
                if isAbandoned { return nil }
                account?.value.openQuestionCount.subtract(1, ordering: .releasing)
            }
            System.sleep(microseconds: 50)
        }
        let type = answer.load(ordering: .relaxed)
        state.store(.idle, ordering: .releasing)
        return type
    }

    private static func run(_ cell: HeapCell<FileInquiry>) {
        let number = cell.value.number.load(ordering: .relaxed)
        let type = crte_file_system(number)
        let account = cell.value.account.load()
        ClosingFiles.close(number, of: account)
        cell.value.answer.store(type, ordering: .relaxed)
        let (isWaited, _) = cell.value.state.compareExchange(
            expected: .asking, desired: .answered, ordering: .acquiringAndReleasing)
        guard !isWaited else { return }
        account?.value.openQuestionCount.subtract(1, ordering: .releasing)
        cell.value.state.store(.idle, ordering: .releasing)
    }
}
