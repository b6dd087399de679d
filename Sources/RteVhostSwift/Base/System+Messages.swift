// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Bytes and descriptors of connected sockets.
extension System {
    /// Reads bytes `start..<end` as far as they are there, without waiting; descriptors that come
    /// along are appended. Returns bytes read, 0 when there are none now. Throws `disconnected`,
    /// `system`.
    static func receive(
        _ socket: borrowing FileDescriptor, into bytes: inout MessageBytes,
        from start: Int, until end: Int, _ descriptors: inout ReceivedDescriptors
    ) throws(VhostError) -> Int {
        precondition(start >= 0 && start < end && end <= MessageBuffer.payloadLimit)
        var received = crte_received()
        var span = bytes.mutableSpan
        // SAFETY: the range lies within the array, by the line above.
        let result = unsafe span.withUnsafeMutableBytes { buffer in
            unsafe crte_receive(
                socket.number, buffer.baseAddress! + start, end - start, &received)
        }
        take(received, into: &descriptors)
        if result == 0 { throw .frontend(.disconnected) }
        if result < 0 {
            let code = crte_errno()
            if code == EAGAIN || code == EINTR { return 0 }
            throw .system(code)
        }
        guard received.truncated == 0 else { throw .frontend(.descriptors) }
        return result
    }

    private static func take(
        _ received: crte_received, into descriptors: inout ReceivedDescriptors
    ) {
        var numbers = received.fds
        // SAFETY: the tuple has 16 numbers, of which `count` were set by the kernel.
        unsafe withUnsafeBytes(of: &numbers) { buffer in
            for index in 0..<Int(received.count) {
                let number = unsafe buffer.load(fromByteOffset: index * 4, as: Int32.self)
                descriptors.append(FileDescriptor(owning: number))
            }
        }
    }

    /// A file of zero bytes in memory, to be shared; nobody can shorten it. Throws `system`.
    static func makeSharedFile(byteCount: Int) throws(VhostError) -> FileDescriptor {
        // SAFETY: a static string ends with a zero byte.
        let number = unsafe "vhost-inflight".withCString { name in
            unsafe crte_shared_file(name, byteCount)
        }
        return FileDescriptor(owning: try check(number))
    }

    /// Sends five words in one piece. Throws `system`; a peer that does not read its answers is as
    /// good as gone.
    static func send(
        _ socket: borrowing FileDescriptor, _ words: (UInt32, UInt32, UInt32, UInt32, UInt32)
    ) throws(VhostError) {
        var words = words
        // SAFETY: the tuple's twenty bytes are sent as they lie in memory, little-endian as
        // vhost-user wants.
        let result = unsafe withUnsafeBytes(of: &words) { buffer in
            unsafe crte_send(socket.number, buffer.baseAddress, buffer.count)
        }
        guard try check(result) == 20 else { throw .frontend(.disconnected) }
    }

    /// Sends the first `byteCount` bytes of `words`, and a descriptor if it is not negative, without
    /// waiting. Returns how many were sent, 0 when there is no room now. Throws `system`.
    static func send(
        _ socket: borrowing FileDescriptor, _ words: Span<UInt32>, byteCount: Int,
        descriptor: Int32
    ) throws(VhostError) -> Int {
        precondition(byteCount >= 0 && byteCount <= words.count * 4)
        var number = descriptor
        // SAFETY: the words have so many bytes, little-endian as vhost-user wants; the number lives
        // through the call.
        let result = unsafe words.withUnsafeBytes { buffer in
            unsafe crte_send_descriptors(
                socket.number, buffer.baseAddress, byteCount, &number, number < 0 ? 0 : 1)
        }
        if result < 0 {
            let code = crte_errno()
            // Memory for a message may be there a moment later.
            guard code == EAGAIN || code == EINTR || code == ENOBUFS || code == ENOMEM else {
                throw .system(code)
            }
            return 0
        }
        return Int(result)
    }

    /// True for a Unix stream socket: no other kind promises that sending and receiving without
    /// waiting do not wait.
    static func isUnixStream(_ descriptor: borrowing FileDescriptor) -> Bool {
        crte_is_unix_stream(descriptor.number) == 1
    }

    /// Another number for the same open file. Throws `system`.
    static func duplicate(
        _ descriptor: borrowing FileDescriptor
    ) throws(VhostError) -> FileDescriptor {
        FileDescriptor(owning: try check(crte_duplicate(descriptor.number)))
    }

    /// Ends a connection in both directions; whoever waits on it wakes up.
    static func shutDown(_ socket: borrowing FileDescriptor) {
        _ = CRteVhost.shutdown(socket.number, Int32(SHUT_RDWR))
    }

    /// Waits until bytes can be read or the peer is gone. False when the time is over.
    static func waitReadable(_ socket: borrowing FileDescriptor, milliseconds: Int32) -> Bool {
        crte_wait_readable(socket.number, milliseconds) != 0
    }
}
