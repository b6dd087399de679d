// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Probes for tracing programs: docs/tracing.md. One that nobody looks at is a test of a word.
enum Probe {
    /// Somebody looks at `burst`.
    @inline(__always)
    static var isBurstTraced: Bool { crte_traces_burst() }

    /// A call of the data path is done: packets wanted and moved.
    @inline(__always)
    static func burst(_ vid: Int32, _ queue: UInt16, wanted: Int, count: Int) {
        guard crte_traces_burst() else { return }
        crte_probe_burst(vid, UInt32(queue), UInt32(wanted), UInt32(truncatingIfNeeded: count))
    }

    /// An engine was given packets.
    @inline(__always)
    static func submit(_ vid: Int32, _ queue: UInt16, accepted: Int, refused: Int) {
        guard crte_traces_submit() else { return }
        crte_probe_submit(
            vid, UInt32(queue), UInt32(truncatingIfNeeded: accepted),
            UInt32(truncatingIfNeeded: refused))
    }

    /// Packets of an engine were handed out, or lost.
    @inline(__always)
    static func complete(_ vid: Int32, _ queue: UInt16, count: Int, lost: Int) {
        guard crte_traces_complete() else { return }
        crte_probe_complete(
            vid, UInt32(queue), UInt32(truncatingIfNeeded: count), UInt32(truncatingIfNeeded: lost))
    }

    /// A chain went back unused.
    @inline(__always)
    static func drop(_ vid: Int32, _ queue: Int, reason: UInt8) {
        guard crte_traces_drop() else { return }
        crte_probe_drop(vid, UInt32(truncatingIfNeeded: queue), UInt32(reason))
    }

    /// A message was handled or refused.
    @inline(__always)
    static func message(_ vid: Int32, _ request: UInt32, byteCount: Int, error: Int32) {
        guard crte_traces_message() else { return }
        crte_probe_message(vid, request, UInt32(truncatingIfNeeded: byteCount), error)
    }

    /// A queue begins or ends to work; -1 for the device.
    @inline(__always)
    static func state(_ vid: Int32, _ queue: Int, isRunning: Bool) {
        guard crte_traces_state() else { return }
        crte_probe_state(vid, Int32(truncatingIfNeeded: queue), isRunning ? 1 : 0)
    }
}
