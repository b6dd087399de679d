// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost_crypto.h: sessions and their private data have a pool each.

/// `rte_vhost_crypto_create`: -ENOTSUP.
@_cdecl("rte_vhost_crypto_create")
public func rte_vhost_crypto_create(
    _: Int32, _: UInt8, _: UnsafeMutablePointer<rte_mempool>?,
    _: UnsafeMutablePointer<rte_mempool>?, _: Int32
) -> Int32 {
    Crypto.refuse("rte_vhost_crypto_create")
    return -ENOTSUP
}
