// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Who copies for a queue.
enum EngineKind {
    /// The application's callbacks: DPDK 21.08.
    case callbacks(EngineCallbacks)
    /// DMA devices of DPDK, named with each call: DPDK 22.11.
    case dmadev
}
