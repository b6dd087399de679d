/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_2211_VDPA_DRIVER_H
#define RTEVHOSTSWIFT_2211_VDPA_DRIVER_H

/* The name that DPDK 22.11 has for it, which it does not install. */
#include "rte_vdpa_dev.h"

#endif /* RTEVHOSTSWIFT_2211_VDPA_DRIVER_H */
