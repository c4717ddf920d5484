// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* CDBs of every length: no read beyond it, and an answer that is one of four. */
#include "fuzz.h"
#include "srp_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *cdb;
	enum srp_dir dir;

	if (size > SRP_MAX_CDB_LEN)
		size = SRP_MAX_CDB_LEN;
	cdb = exact_copy(data, size);
	dir = srp_cdb_dir(cdb, size);
	CHECK(dir <= SRP_DIR_UNKNOWN);
	if (!size || (cdb[0] != 0x7f && size < 16))
		CHECK(dir == SRP_DIR_UNKNOWN);
	/* Vendor specific, or not for a target that knows one direction at a time. */
	if (size && (cdb[0] >= 0xc0 || cdb[0] == 0x53))
		CHECK(dir == SRP_DIR_UNKNOWN);
	free(cdb);
	return 0;
}
