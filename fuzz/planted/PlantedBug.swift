// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc

/// Part of the build with planted bugs only. True when the run asked for this bug, by the name of
/// its patch in the environment variable FUZZ_PLANTED.
@inline(never)
func isPlanted(_ bug: StaticString) -> Bool {
    guard let wanted = unsafe getenv("FUZZ_PLANTED") else { return false }
    return unsafe bug.withUTF8Buffer { name in
        unsafe strlen(wanted) == name.count && memcmp(wanted, name.baseAddress!, name.count) == 0
    }
}
