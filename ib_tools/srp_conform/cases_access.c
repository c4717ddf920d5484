// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of access control (ACL). */
#include "conform.h"

const struct conf_case access_cases[] = {
	{ .id = NULL }
};
