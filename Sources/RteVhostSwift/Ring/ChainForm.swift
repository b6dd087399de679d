// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a chain's first descriptor tells of the whole.
enum ChainForm {
    /// One buffer.
    case single
    /// NEXT is set.
    case chained
    /// INDIRECT is set.
    case table
}

extension RingDescriptor {
    /// The form of the chain that begins with this descriptor.
    @inline(__always)
    var form: ChainForm { isIndirect ? .table : hasNext ? .chained : .single }
}
