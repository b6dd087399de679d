/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RIG_OPERATIONS_H
#define RIG_OPERATIONS_H

#include "rig.h"

/** rig_engine.c: the engine, as the library sees it. */
extern struct rte_vhost_async_channel_ops rig_engine_operations;

#endif
