// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of several channels (MCH). */
#include "conform.h"

const struct conf_case channel_cases[] = {
	{ .id = NULL }
};
