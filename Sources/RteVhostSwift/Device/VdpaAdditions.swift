// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Operations of a vDPA driver that only later releases than 21.08 have.
struct VdpaAdditions: Sendable {
    /// `dev_cleanup`: the connection is gone.
    var cleanUp: VdpaOperations.Operation?
    /// `get_config` and `set_config`.
    var configuration: ConfigurationSpace?
}
