// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Threads and time.
extension System {
    /// A thread that is to be waited for, or none.
    struct Thread {
        fileprivate var handle = pthread_t()
        fileprivate var isThere = false
        /// No thread.
        static let none = Thread()
    }

    /// Starts a detached thread with all signals but faults blocked, so that the application's handlers run on
    /// its own threads. Throws `system`, `outOfMemory`.
    static func startThread(
        _ cell: OpaqueCell, _ body: @escaping @Sendable (OpaqueCell) -> Void
    ) throws(VhostError) {
        let thread = try startJoinable(cell, body)
        pthread_detach(thread.handle)
    }

    /// Has `body` run in each child process that `fork()` makes, before it returns there. Where there is
    /// no memory for that it does not.
    static func atFork(_ body: @convention(c) () -> Void) { pthread_atfork(nil, nil, body) }

    /// The same for a thread that `join` waits for. Throws `system`, `outOfMemory`.
    static func startJoinable(
        _ cell: OpaqueCell, _ body: @escaping @Sendable (OpaqueCell) -> Void
    ) throws(VhostError) -> Thread {
        // Not allocate(): it ends the process where there is no memory.
        // SAFETY: malloc aligns for every type that Swift has.
        guard let raw = unsafe malloc(MemoryLayout<ThreadStart>.size) else { throw .outOfMemory }
        let start = unsafe raw.bindMemory(to: ThreadStart.self, capacity: 1)
        unsafe start.initialize(to: ThreadStart(cell: cell, body: body))
        var all = sigset_t()
        var old = sigset_t()
        // SAFETY: the sets and the handle live through the calls; the thread frees `start`.
        unsafe sigfillset(&all)
        // A fault whose signal is blocked ends the process whatever its handler would do.
        unsafe sigdelset(&all, SIGBUS)
        unsafe sigdelset(&all, SIGSEGV)
        unsafe sigdelset(&all, SIGFPE)
        unsafe sigdelset(&all, SIGILL)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &old)
        var thread = Thread(handle: pthread_t(), isThere: true)
        let result = unsafe pthread_create(
            &thread.handle, nil,
            { argument in
                // SAFETY: the argument is `start`, which nobody else touches any more.
                let start = unsafe argument!.assumingMemoryBound(to: ThreadStart.self)
                let work = unsafe start.move()
                unsafe free(start)
                work.body(work.cell)
                return nil
            }, start)
        unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
        guard result == 0 else {
            unsafe start.deinitialize(count: 1)
            unsafe free(start)
            throw .system(result)
        }
        return thread
    }

    /// Waits until a thread has ended.
    static func join(_ thread: Thread) {
        guard thread.isThere else { return }
        // SAFETY: what the thread returns is not asked for.
        _ = pthread_join(thread.handle, nil)
    }

    /// What a new thread does.
    private struct ThreadStart {
        /// Given to the body.
        let cell: OpaqueCell
        /// The thread's work.
        let body: @Sendable (OpaqueCell) -> Void
    }

    /// The calling process.
    static var currentProcess: Int32 { getpid() }

    /// Identity of the calling thread; never 0.
    static var currentThread: UInt { UInt(pthread_self()) }

    /// Gives the processor away for about so long.
    static func sleep(microseconds: Int) {
        var time = timespec(tv_sec: 0, tv_nsec: microseconds * 1000)
        // SAFETY: the time lives through the call.
        _ = unsafe nanosleep(&time, nil)
    }
}
