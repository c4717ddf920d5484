// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of data length against the CDB (RES). */
#include "conform.h"

const struct conf_case length_cases[] = {
	{ .id = NULL }
};
