// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rtevhostswift_control.h

/// `rtevhostswift_control_open`: 0, or -1 with errno.
@_cdecl("rtevhostswift_control_open")
public func rtevhostswift_control_open(_ path: UnsafePointer<CChar>?, _ flags: UInt64) -> Int32 {
    let name: StaticString = "rtevhostswift_control_open"
    guard let path = unsafe Call.path(name, path) else {
        crte_set_errno(EINVAL)
        return -1
    }
    do throws(VhostError) {
        try ControlSocket.open(path, flags: flags)
        return 0
    } catch {
        Log.error { line in
            line.begin(name, path)
            line.add(error)
        }
        crte_set_errno(error.posixCode)
        return -1
    }
}

/// `rtevhostswift_control_close`: 0, or -1 with errno.
@_cdecl("rtevhostswift_control_close")
public func rtevhostswift_control_close() -> Int32 {
    do throws(VhostError) {
        try ControlSocket.close()
        return 0
    } catch {
        Call.log("rtevhostswift_control_close", error)
        crte_set_errno(error.posixCode)
        return -1
    }
}
