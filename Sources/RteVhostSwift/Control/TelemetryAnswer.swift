// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// An answer that DPDK's telemetry sends: `struct rte_tel_data`, good for the call of a command.
@safe
struct TelemetryAnswer {
    /// The structure.
    let pointer: UnsafeMutableRawPointer

    /// One that the library gave; nil for NULL.
    init?(_ pointer: UnsafeMutableRawPointer?) {
        // SAFETY: only handed back to the library.
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
    }
}
