// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of task management (TMF). */
#include "conform.h"

const struct conf_case tmf_cases[] = {
	{ .id = NULL }
};
