// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of the request limit (CRD). */
#include "conform.h"

const struct conf_case credit_cases[] = {
	{ .id = NULL }
};
