// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import CRteVhost
import Testing

@testable import RteVhostSwift

@Suite("Base: system calls")
struct SystemTests {
    @Test("an eventfd is one; a pipe, a file or an epoll is not")
    func anonymous() throws {
        let event = try System.makeEvent()
        let isEvent = System.isEvent(event)
        #expect(isEvent)
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let first = FileDescriptor(owning: ends[0])
        let second = FileDescriptor(owning: ends[1])
        let file = FileDescriptor(owning: try MockMemory.makeFile(byteCount: 4096))
        let poll = FileDescriptor(owning: epoll_create1(0))
        let others = [
            System.isEvent(first), System.isEvent(second), System.isEvent(file),
            System.isEvent(poll),
        ]
        #expect(others == [false, false, false, false])
    }

    @Test("VhostError.system carries the errno of the call that failed")
    func systemError() {
        let path = SocketPath("/nonexistent/directory/socket")!
        let error = fault { () throws(VhostError) in _ = try System.listen(at: path, backlog: 1) }
        #expect(error == .system(ENOENT))
        #expect(error?.posixCode == ENOENT)
    }

    @Test("every error has the errno that says the same")
    func errnoMap() {
        let map: [(VhostError, Int32)] = [
            (.invalidArgument, EINVAL), (.notFound, ENOENT), (.exists, EEXIST), (.busy, EBUSY),
            (.outOfMemory, ENOMEM), (.limitReached, ENOSPC), (.unsupported, ENOTSUP),
            (.frontend(.malformed), EINVAL),
            (.foreignUser(1), EACCES), (.badUserList, EINVAL), (.system(EPIPE), EPIPE),
        ]
        for (error, code) in map { #expect(error.posixCode == code) }
    }

    @Test("an eventfd counts signals until it is cleared; a closed one takes none")
    func signals() throws {
        let event = try System.makeEvent()
        #expect(System.signal(event.number))
        #expect(System.signal(event.number))
        var value: UInt64 = 0
        #expect(read(event.number, &value, 8) == 8)
        #expect(value == 2)
        System.signal(event.number)
        System.clear(event.number)
        #expect(read(event.number, &value, 8) == -1)
        #expect(!System.signal(-1))
    }

    @Test("a listening socket is found, a left-over file is a socket without listener")
    func listeners() throws {
        let path = SocketPath("/proc/self/cwd/.listen-\(getpid())")!
        do {
            let listener = try System.listen(at: path, backlog: 1)
            #expect(listener.number >= 0)
            #expect(System.isSocket(path))
            #expect(System.hasListener(at: path))
            let second = fault { () throws(VhostError) in
                _ = try System.listen(at: path, backlog: 1)
            }
            #expect(second.map(System.isAddressInUse) == true)
        }
        #expect(System.isSocket(path))
        #expect(!System.hasListener(at: path))
        System.unlink(path)
        #expect(!System.isSocket(path))
    }

    @Test("epoll gives each ready descriptor's token, and none after removal")
    func poll() throws {
        let poll = try EventPoll()
        let first = try System.makeEvent()
        let second = try System.makeEvent()
        try poll.add(first.number, token: 7)
        try poll.add(second.number, token: UInt64.max)
        var tokens: [UInt64] = []
        poll.wait(milliseconds: 0) { tokens.append($0) }
        #expect(tokens.isEmpty)
        System.signal(first.number)
        System.signal(second.number)
        poll.wait(milliseconds: 100) { tokens.append($0) }
        #expect(Set(tokens) == [7, UInt64.max])
        poll.remove(first.number)
        tokens = []
        poll.wait(milliseconds: 100) { tokens.append($0) }
        #expect(tokens == [UInt64.max])
    }

    @Test("descriptors beyond sixteen are closed, but counted; each is handed over once")
    func receivedDescriptors() throws {
        var numbers: [Int32] = []
        var received = ReceivedDescriptors()
        for _ in 0..<18 {
            let number = dup(0)
            numbers.append(number)
            received.append(FileDescriptor(owning: number))
        }
        let count = received.count
        #expect(count == 18)
        #expect(fcntl(numbers[15], F_GETFD) >= 0)
        guard let taken = received.take(3) else {
            Issue.record("the fourth descriptor is not there")
            return
        }
        let takenNumber = taken.number
        #expect(takenNumber == numbers[3])
        for index in [3, 16, 17, -1, Int.max] {
            let isGone = received.take(index) == nil
            #expect(isGone)
        }
    }
}
