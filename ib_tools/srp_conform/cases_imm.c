// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of immediate data (IMM). */
#include "conform.h"

const struct conf_case imm_cases[] = {
	{ .id = NULL }
};
