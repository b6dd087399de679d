// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// What the control thread does.
extension HeapCell where Value == ControlServer {
    /// The thread's body.
    func run() {
        while !value.isEnding.load(ordering: .acquiring) { turn() }
        for index in 0..<ControlServer.clientLimit { value.client(index)?.value.close() }
    }

    /// Waits for what comes next, and does it.
    private func turn() {
        let now = System.nanoseconds()
        var set = PollSet()
        set.add(value.wake?.number ?? -1, .reading)
        var hasFree = false
        var due = now &+ 60_000_000_000
        for index in 0..<ControlServer.clientLimit {
            guard let client = value.client(index), client.value.number >= 0 else {
                hasFree = true
                set.add(-1, .reading)
                continue
            }
            let isIdle = client.value.awaitsPackets
            set.add(
                client.value.number,
                client.value.wantsWrite
                    ? .writing : isIdle && !client.value.awaitsWord ? .nothing : .reading)
            due = min(due, isIdle ? now &+ ControlCapture.interval : client.value.end)
        }
        let mayAccept = hasFree && now >= value.acceptsAgain
        // Others may wait: who asks nothing makes room.
        if !hasFree { due = min(due, now &+ ControlClient.crowdedPatience) }
        if hasFree, !mayAccept { due = min(due, value.acceptsAgain) }
        set.add(mayAccept ? value.listener?.number ?? -1 : -1, .reading)
        set.wait(milliseconds: Int32(clamping: due > now ? (due &- now) / 1_000_000 &+ 1 : 0))
        let later = System.nanoseconds()
        for index in 0..<ControlServer.clientLimit {
            serve(index, isReady: set.isReady(index + 1), now: later)
        }
        if !hasFree { makeRoom(now: later) }
        if set.isReady(ControlServer.clientLimit + 1) { accept(now: later) }
    }

    /// Hangs up on those that took a place and said nothing.
    private func makeRoom(now: UInt64) {
        for index in 0..<ControlServer.clientLimit {
            guard let client = value.client(index), let since = client.value.silentSince,
                now &- since > ControlClient.crowdedPatience
            else { continue }
            client.value.close()
        }
    }

    private func serve(_ index: Int, isReady: Bool, now: UInt64) {
        guard let client = value.client(index), client.value.number >= 0 else { return }
        if client.value.awaitsPackets {
            if isReady { client.value.hear() }
            client.value.write(now: now, value.inspector)
        } else if isReady {
            if client.value.wantsWrite {
                client.value.write(now: now, value.inspector)
            } else {
                client.value.read(now: now, value.inspector, refusal: captureRefusal)
            }
        } else if now >= client.value.end {
            client.value.close()
        }
    }

    /// Why nobody else may capture now; nil where somebody may.
    private var captureRefusal: ControlCapture.Fault? {
        guard value.mayCapture else { return .forbidden }
        var count = 0
        for index in 0..<ControlServer.clientLimit {
            if value.client(index)?.value.isCapturing ?? false { count += 1 }
        }
        return count < ControlServer.captureLimit ? nil : .crowded
    }

    private func accept(now: UInt64) {
        do throws(VhostError) {
            guard let number = value.listener?.number, let socket = try System.accept(number)
            else { return }
            let user = try System.peerUser(socket)
            guard user == value.user else { return logRefusal(.foreignUser(user), now) }
            for index in 0..<ControlServer.clientLimit {
                guard let client = value.client(index), client.value.number < 0 else { continue }
                return client.value.open(socket, now: now)
            }
        } catch {
            // Descriptors or memory have run out: others need them more.
            value.acceptsAgain = now &+ 1_000_000_000
            logRefusal(error, now)
        }
    }

    /// A line a second at most.
    private func logRefusal(_ error: VhostError, _ now: UInt64) {
        guard now &- value.refusalLogged > 1_000_000_000 else { return }
        value.refusalLogged = now
        Log.warning { line in
            line.begin(value.path)
            line.add("control socket: client refused: ")
            line.add(error)
        }
    }
}
