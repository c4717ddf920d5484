// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of logout (LGO). */
#include "conform.h"

const struct conf_case logout_cases[] = {
	{ .id = NULL }
};
