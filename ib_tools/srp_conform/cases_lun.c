// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of LUNs and tags (LUN, TAG). */
#include "conform.h"

const struct conf_case lun_cases[] = {
	{ .id = NULL }
};
