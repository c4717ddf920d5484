// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of CDBs (CDB). */
#include "conform.h"

const struct conf_case cdb_cases[] = {
	{ .id = NULL }
};
