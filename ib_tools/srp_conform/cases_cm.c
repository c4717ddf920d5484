// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of connection manager, Device Management (CM, DM). */
#include "conform.h"

const struct conf_case cm_cases[] = {
	{ .id = NULL }
};
