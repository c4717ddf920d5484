// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of RDMA failures (RDM). */
#include "conform.h"

const struct conf_case rdma_cases[] = {
	{ .id = NULL }
};
