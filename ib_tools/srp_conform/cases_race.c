// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of races of login and logout (RAC). */
#include "conform.h"

const struct conf_case race_cases[] = {
	{ .id = NULL }
};
