// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Where a device stands in a postcopy migration. Guarded by the device's lock.
struct Postcopy: ~Copyable {
    /// POSTCOPY_ADVISE: whoever touches missing pages waits for this descriptor's reader.
    var descriptor: FaultDescriptor?
    /// POSTCOPY_LISTEN came: memory that comes now is the frontend's to fill.
    var isListening = false
    /// SET_MEM_TABLE came, and the frontend has not confirmed that it knows where the regions are.
    var pending: GuestMemory?
    /// The frontend did not fetch a page in time.
    var isAbandoned = false

    /// No migration.
    init() {}
}
