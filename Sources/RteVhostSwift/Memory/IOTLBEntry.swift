// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// One translation: a range of addresses as the device sees them, and where the frontend has it.
struct IOTLBEntry: BitwiseCopyable, Equatable {
    /// First address.
    private(set) var first: UInt64
    /// Last address: the range may end where 64 bits do.
    private(set) var last: UInt64
    /// The frontend's address of the first byte.
    private(set) var frontend: FrontendAddress
    /// What the device may do.
    let permission: AccessPermission

    /// An entry; nil for a range that is empty, or goes beyond 64 bits on either side, and for a
    /// permission that there is not.
    init?(
        address: GuestAddress, byteCount: UInt64, frontend: FrontendAddress,
        permission: AccessPermission
    ) {
        guard byteCount > 0, permission.rawValue >= 1, permission.rawValue <= 3 else { return nil }
        let (last, wraps) = address.rawValue.addingReportingOverflow(byteCount - 1)
        let (_, frontendWraps) = frontend.rawValue.addingReportingOverflow(byteCount - 1)
        guard !wraps, !frontendWraps else { return nil }
        first = address.rawValue
        self.last = last
        self.frontend = frontend
        self.permission = permission
    }

    /// What a place in the table holds before it is used.
    static var unused: IOTLBEntry { IOTLBEntry() }

    private init() {
        first = 0
        last = 0
        frontend = FrontendAddress(rawValue: 0)
        permission = AccessPermission(rawValue: 0)
    }

    /// The frontend's address of one that lies in the range.
    @inline(__always)
    func frontendAddress(of address: UInt64) -> FrontendAddress {
        FrontendAddress(rawValue: frontend.rawValue &+ (address &- first))
    }

    /// What lies below `limit`; nil when nothing does.
    func below(_ limit: UInt64) -> IOTLBEntry? {
        guard first < limit else { return nil }
        var part = self
        part.last = min(last, limit - 1)
        return part
    }

    /// What lies above `limit`; nil when nothing does.
    func above(_ limit: UInt64) -> IOTLBEntry? {
        guard last > limit else { return nil }
        var part = self
        part.first = max(first, limit + 1)
        part.frontend = frontendAddress(of: part.first)
        return part
    }

    /// This entry and the one that follows it, where they are one range on both sides with the same
    /// permission; nil otherwise.
    func joined(_ next: IOTLBEntry) -> IOTLBEntry? {
        guard last != UInt64.max, next.first == last + 1, next.permission == permission,
            next.frontend.rawValue == frontend.rawValue &+ (last - first) &+ 1,
            next.frontend.rawValue != 0
        else { return nil }
        var whole = self
        whole.last = next.last
        return whole
    }
}
