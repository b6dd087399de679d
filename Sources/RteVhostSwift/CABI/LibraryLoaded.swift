// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Runs when the library is loaded. DPDK's own library has its log types from then on, for programs
/// that set levels before they register a driver; where the EAL's log is not set up yet, the first
/// driver makes up for it.
@_cdecl("crte_library_loaded")
func crte_library_loaded() {
    DPDKLog.prepare()
    ForkedChild.prepare()
}
