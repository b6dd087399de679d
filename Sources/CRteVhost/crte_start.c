/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "CRteVhost.h"

/* Swift has no constructors. */
void crte_library_loaded(void);

__attribute__((constructor)) static void start(void)
{
	crte_library_loaded();
}
