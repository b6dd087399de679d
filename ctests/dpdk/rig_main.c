/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include <stdlib.h>
#include <unistd.h>

#include <rte_vhost_async.h>

#include "rig.h"

const bool rig_formats[2] = { false, true };

void rig_prepare(int argc, char **argv)
{
	alarm(300);
	rig_start(argv[0]);
	for (int i = 0; i < RIG_DMAS; i++)
		if (rte_vhost_async_dma_configure(rig_dma[i], 0))
			exit(2);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
}
