// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of SRP_RSP (RSP). */
#include "conform.h"

const struct conf_case rsp_cases[] = {
	{ .id = NULL }
};
