// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

// rte_vhost_crypto.h. Crypto devices are not there yet: each function fails as its header says and
// the first call is logged. An application that serves one by itself gets the session messages
// through rte_vhost_extern_callback_register.

/// What all functions of rte_vhost_crypto.h do.
enum Crypto {
    private static let isLogged = Atomic<Bool>(false)

    /// Logs the first call.
    static func refuse(_ function: StaticString) {
        guard !isLogged.exchange(true, ordering: .relaxed) else { return }
        Log.error { line in
            line.add(function)
            line.add(": crypto devices are not supported")
        }
    }
}

/// `rte_vhost_crypto_driver_start`: -ENOTSUP.
@_cdecl("rte_vhost_crypto_driver_start")
public func rte_vhost_crypto_driver_start(_: UnsafePointer<CChar>?) -> Int32 {
    Crypto.refuse("rte_vhost_crypto_driver_start")
    return -ENOTSUP
}

/// `rte_vhost_crypto_free`: -ENOTSUP.
@_cdecl("rte_vhost_crypto_free")
public func rte_vhost_crypto_free(_: Int32) -> Int32 {
    Crypto.refuse("rte_vhost_crypto_free")
    return -ENOTSUP
}

/// `rte_vhost_crypto_set_zero_copy`: -ENOTSUP.
@_cdecl("rte_vhost_crypto_set_zero_copy")
public func rte_vhost_crypto_set_zero_copy(
    _: Int32, _: rte_vhost_crypto_zero_copy
) -> Int32 {
    Crypto.refuse("rte_vhost_crypto_set_zero_copy")
    return -ENOTSUP
}

/// `rte_vhost_crypto_fetch_requests`: no operations.
@_cdecl("rte_vhost_crypto_fetch_requests")
public func rte_vhost_crypto_fetch_requests(
    _: Int32, _: UInt32, _: UnsafeMutablePointer<OpaquePointer?>?, _: UInt16
) -> UInt16 {
    Crypto.refuse("rte_vhost_crypto_fetch_requests")
    return 0
}

/// `rte_vhost_crypto_finalize_requests`: no operations, nobody to interrupt.
@_cdecl("rte_vhost_crypto_finalize_requests")
public func rte_vhost_crypto_finalize_requests(
    _: UnsafeMutablePointer<OpaquePointer?>?, _: UInt16, _: UnsafeMutablePointer<Int32>?,
    _ count: UnsafeMutablePointer<UInt16>?
) -> UInt16 {
    Crypto.refuse("rte_vhost_crypto_finalize_requests")
    unsafe count?.pointee = 0
    return 0
}
