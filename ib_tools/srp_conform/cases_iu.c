// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of framing of IUs (IUF), SRP_CMD (CMD). */
#include "conform.h"

const struct conf_case iu_cases[] = {
	{ .id = NULL }
};
