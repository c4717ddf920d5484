// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of buffer descriptors (DSC). */
#include "conform.h"

const struct conf_case desc_cases[] = {
	{ .id = NULL }
};
