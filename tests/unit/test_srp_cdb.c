// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Directions of CDBs: a map of all operation codes, then those that need more bytes. */
#include "test.h"
#include "srp_proto.h"

/* All other bytes 0. N none, O out, I in, ? unknown; row = high digit. */
static const char *const map[16] = {
	"NN?INI?OI?ON???I",
	"NNINIONNONINION?",
	"???I?I??I?ON??ON",
	"?????NNI?OOOI?IO",
	"OOOIININ??INOIN?",
	"O?I?OONN??INIOIO",
	"????????????????",
	"????????????????",
	"???OINIOIOOOIOON",
	"NNNONI?????IO???",
	"INI??NNNI?O??ION",
	"????I?OIII???IIO",
	"????????????????",
	"????????????????",
	"????????????????",
	"????????????????",
};

static enum srp_dir dir_of(char c)
{
	switch (c) {
	case 'N':
		return SRP_DIR_NONE;
	case 'O':
		return SRP_DIR_OUT;
	case 'I':
		return SRP_DIR_IN;
	}
	return SRP_DIR_UNKNOWN;
}

static void every_opcode(void **state)
{
	unsigned int op;

	(void)state;
	for (op = 0; op < 256; op++) {
		u8 cdb[16] = { op };

		if (srp_cdb_dir(cdb, 16) != dir_of(map[op >> 4][op & 15]))
			fail_msg("%02xh", op);
	}
}

struct cdb_case {
	const char	*name;
	u8		cdb[32];
	char		want;
	u16		len;	/* 0: 16, or 32 if of variable length */
};

static const struct cdb_case cdb_cases[] = {
	{ "RES-09 READ(10)", { 0x28, [8] = 1 }, 'I' },
	{ "RES-10 WRITE(10)", { 0x2a, [8] = 1 }, 'O' },
	{ "RES-13 READ(10) of length 0 keeps its direction", { 0x28 }, 'I' },
	{ "FORMAT UNIT with data", { 0x04, 0x10 }, 'O' },
	{ "FORMAT UNIT without data", { 0x04, 0x07 }, 'N' },
	{ "FORMAT MEDIUM with a length", { 0x04, 0x00, 0x00, 0x00, 0x08 }, '?' },
	{ "FORMAT MEDIUM with a large length", { 0x04, 0x00, 0x00, 0x01 }, '?' },
	{ "VERIFY(6), BYTCMP", { 0x13, 0x02 }, 'O' },
	{ "VERIFY(6), all but BYTCMP", { 0x13, 0xfd }, 'N' },
	{ "VERIFY(10), BYTCHK 01", { 0x2f, 0x02 }, 'O' },
	{ "VERIFY(10), BYTCHK 11", { 0x2f, 0x06 }, 'O' },
	{ "VERIFY(10), VRPROTECT and DPO only", { 0x2f, 0xf0 }, 'N' },
	{ "VERIFY(12), BYTCHK 01", { 0xaf, 0x02 }, 'O' },
	{ "VERIFY(16), BYTCHK 01", { 0x8f, 0x02 }, 'O' },
	{ "VERIFY(16), none", { 0x8f, 0x11 }, 'N' },
	{ "WRITE SAME(16)", { 0x93, 0x08 }, 'O' },
	{ "WRITE SAME(16), NDOB", { 0x93, 0x09 }, 'N' },
	{ "WRITE SAME(10)", { 0x41, 0x08 }, 'O' },
	{ "UNMAP", { 0x42, 0x01, [8] = 24 }, 'O' },
	{ "READ SUB-CHANNEL, SUBQ", { 0x42, 0x02, 0x40, 0x01, [8] = 16 }, '?' },
	{ "READ SUB-CHANNEL, page only", { 0x42, 0x00, 0x00, 0x02 }, '?' },
	{ "SANITIZE OVERWRITE", { 0x48, 0x81 }, 'O' },
	{ "SANITIZE BLOCK ERASE", { 0x48, 0x82 }, 'N' },
	{ "SANITIZE CRYPTOGRAPHIC ERASE", { 0x48, 0x03 }, 'N' },
	{ "SANITIZE EXIT FAILURE MODE", { 0x48, 0x1f }, 'N' },
	{ "RESERVE(6), EXTENT", { 0x16, 0x01 }, 'O' },
	{ "RESERVE(10), LONGID", { 0x56, 0x02 }, 'O' },
	{ "RELEASE(10), LONGID", { 0x57, 0x02 }, 'O' },
	{ "RESERVE(10), EXTENT", { 0x56, 0x01 }, 'O' },
	{ "RELEASE(10), 3rd party", { 0x57, 0x10 }, 'N' },
	{ "EXTENDED COPY(LID1)", { 0x83, 0x00 }, 'O' },
	{ "EXTENDED COPY(LID4)", { 0x83, 0x01 }, 'O' },
	{ "POPULATE TOKEN", { 0x83, 0x10 }, 'O' },
	{ "WRITE USING TOKEN", { 0x83, 0x11 }, 'O' },
	{ "COPY OPERATION ABORT", { 0x83, 0x1c }, 'N' },
	{ "RECEIVE COPY RESULTS", { 0x84, 0x04 }, 'I' },
	{ "RECEIVE ROD TOKEN INFORMATION", { 0x84, 0x07 }, 'I' },
	{ "ATA PASS-THROUGH(16), IDENTIFY", { 0x85, 0x08, 0x2e }, 'I' },
	{ "ATA PASS-THROUGH(16), DMA out", { 0x85, 0x0d, 0x06 }, 'O' },
	{ "ATA PASS-THROUGH(16), no data", { 0x85, 0x06, 0x20 }, 'N' },
	{ "ATA PASS-THROUGH(12), in", { 0xa1, 0x08, 0x0e }, 'I' },
	{ "BLANK", { 0xa1, 0x01 }, 'N' },
	{ "COMPARE AND WRITE", { 0x89 }, 'O' },
	{ "READ CAPACITY(16)", { 0x9e, 0x10 }, 'I' },
	{ "READ LONG(16)", { 0x9e, 0x11 }, 'I' },
	{ "GET LBA STATUS", { 0x9e, 0x12 }, 'I' },
	{ "REPORT REFERRALS", { 0x9e, 0x13 }, 'I' },
	{ "STREAM CONTROL", { 0x9e, 0x14 }, 'I' },
	{ "BACKGROUND CONTROL", { 0x9e, 0x15 }, 'N' },
	{ "GET STREAM STATUS", { 0x9e, 0x16 }, 'I' },
	{ "REMOVE ELEMENT AND TRUNCATE", { 0x9e, 0x18 }, 'N' },
	{ "9Eh, other", { 0x9e, 0x1f }, '?' },
	{ "WRITE LONG(16)", { 0x9f, 0x11 }, 'O' },
	{ "9Fh, other", { 0x9f, 0x10 }, '?' },
	{ "REPORT TARGET PORT GROUPS", { 0xa3, 0x0a }, 'I' },
	{ "REPORT TARGET PORT GROUPS, extended", { 0xa3, 0x2a }, 'I' },
	{ "REPORT SUPPORTED OPERATION CODES", { 0xa3, 0x0c }, 'I' },
	{ "REPORT PHYSICAL COMPONENT DEVICE", { 0xa3, 0x01 }, 'I' },
	{ "A3h, past the last known", { 0xa3, 0x11 }, '?' },
	{ "MANAGEMENT PROTOCOL IN", { 0xa3, 0x10 }, 'I' },
	{ "A3h, vendor specific", { 0xa3, 0x1f }, '?' },
	{ "SEND KEY", { 0xa3, 0x00, [10] = 0x01 }, '?' },
	{ "SET TARGET PORT GROUPS", { 0xa4, 0x0a }, 'O' },
	{ "SET TIMESTAMP", { 0xa4, 0x0f }, 'O' },
	{ "REPORT KEY", { 0xa4, 0x00, [10] = 0x3f }, '?' },
	{ "READ MEDIA SERIAL NUMBER", { 0xab, 0x01 }, 'I' },
	{ "ABh, other", { 0xab, 0x02 }, '?' },
	{ "PERSISTENT RESERVE IN", { 0x5e, 0x01 }, 'I' },
	{ "PERSISTENT RESERVE OUT", { 0x5f, 0x06 }, 'O' },
	{ "CDB-02 READ(32)", { 0x7f, [7] = 24, [9] = 0x09 }, 'I' },
	{ "CDB-02 WRITE(32)", { 0x7f, [7] = 24, [9] = 0x0b }, 'O' },
	{ "CDB-02 service action has 16 bits", { 0x7f, [7] = 24, 1, 0x0b }, '?' },
	{ "CDB-02 VERIFY(32), BYTCHK 01", { 0x7f, [7] = 24, 0, 0x0a, 0x02 }, 'O' },
	{ "CDB-02 VERIFY(32), none", { 0x7f, [7] = 24, 0, 0x0a, 0x10 }, 'N' },
	{ "CDB-02 WRITE AND VERIFY(32)", { 0x7f, [7] = 24, 0, 0x0c }, 'O' },
	{ "CDB-02 WRITE SAME(32)", { 0x7f, [7] = 24, 0, 0x0d, 0x08 }, 'O' },
	{ "CDB-02 WRITE SAME(32), NDOB", { 0x7f, [7] = 24, 0, 0x0d, 0x01 }, 'N' },
	{ "CDB-02 ORWRITE(32)", { 0x7f, [7] = 24, 0, 0x0e }, 'O' },
	{ "CDB-02 XDREAD(32)", { 0x7f, [7] = 24, 0, 0x03 }, 'I' },
	{ "CDB-02 XDWRITE(32)", { 0x7f, [7] = 24, 0, 0x04 }, 'O' },
	{ "CDB-02 XPWRITE(32)", { 0x7f, [7] = 24, 0, 0x06 }, 'O' },
	{ "DSC-27 XDWRITEREAD(32)", { 0x7f, [7] = 24, 0, 0x07 }, '?' },
	{ "DSC-27 XDWRITEREAD(10)", { 0x53 }, '?' },
	{ "CDB-02 GET LBA STATUS(32)", { 0x7f, [7] = 24, 0, 0x12 }, 'I' },
	{ "CDB-03 variable length, 8 bytes", { 0x7f }, '?', 8 },
	{ "CDB-03 variable length, 9 bytes", { 0x7f }, '?', 9 },
	{ "CDB-03 variable length, 10 bytes", { 0x7f, [9] = 0x09 }, '?', 10 },
	{ "CDB-03 variable length, 11 bytes", { 0x7f, [9] = 0x09 }, 'I', 11 },
	{ "fixed length, 15 bytes", { 0x28 }, '?', 15 },
	{ "no byte at all", { 0 }, '?', 0xffff },
};

static void one_cdb(void **state)
{
	const struct cdb_case *c = *state;
	u16 len = c->len ? c->len : c->cdb[0] == 0x7f ? 32 : 16;
	struct exact e;

	if (len == 0xffff)
		len = 0;
	e = exact_copy(c->cdb, len);
	assert_int_equal(srp_cdb_dir(e.data, len), dir_of(c->want));
	exact_free(&e);
}

/* Transfer lengths whose product with the block size does not fit 32 bits. */
static const struct blocks_case {
	const char	*name;
	u8		cdb[32];
	u64		want;
	u16		len;
} blocks_cases[] = {
	{ "RES-06 READ(16)", { 0x88, [10] = 0, 0x80, 0, 1 }, 0x800001, 16 },
	{ "RES-06 WRITE(16)", { 0x8a, [10] = 0xff, 0xff, 0xff, 0xff }, 0xffffffff, 16 },
	{ "RES-06 ORWRITE(16)", { 0x8b, [13] = 1 }, 1, 16 },
	{ "RES-06 WRITE AND VERIFY(16)", { 0x8e, [13] = 2 }, 2, 16 },
	{ "RES-06 VERIFY(16), no data", { 0x8f, 0, [10] = 0xff }, 0, 16 },
	{ "RES-06 VERIFY(16), data", { 0x8f, 0x02, [10] = 0x01 }, 0x01000000, 16 },
	{ "RES-06 READ(12)", { 0xa8, [6] = 0, 0, 1, 0 }, 0x100, 16 },
	{ "RES-06 WRITE(12)", { 0xaa, [6] = 0x80 }, 0x80000000, 16 },
	{ "RES-06 WRITE AND VERIFY(12)", { 0xae, [9] = 3 }, 3, 16 },
	{ "RES-06 VERIFY(12), no data", { 0xaf, [6] = 0x80 }, 0, 16 },
	{ "RES-06 VERIFY(12), data", { 0xaf, 0x04, [9] = 7 }, 7, 16 },
	{ "RES-06 READ(32)", { 0x7f, [7] = 24, [9] = 0x09, [31] = 5 }, 5, 32 },
	{ "RES-06 WRITE(32)", { 0x7f, [7] = 24, [9] = 0x0b, [28] = 0xff }, 0xff000000, 32 },
	{ "RES-06 WRITE AND VERIFY(32)", { 0x7f, [7] = 24, [9] = 0x0c, [31] = 6 }, 6, 32 },
	{ "RES-06 ORWRITE(32)", { 0x7f, [7] = 24, [9] = 0x0e, [31] = 6 }, 6, 32 },
	{ "RES-06 VERIFY(32)", { 0x7f, [7] = 24, [9] = 0x0a, [31] = 6 }, 0, 32 },
	{ "RES-06 other service action", { 0x7f, [7] = 24, 1, 0x0b, [31] = 6 }, 0, 32 },
	{ "RES-06 variable length, 31 bytes", { 0x7f, [7] = 23, [9] = 0x0b }, 0, 31 },
	{ "RES-06 READ(10) has 16 bits", { 0x28, [7] = 0xff, 0xff }, 0, 16 },
	{ "RES-06 15 bytes", { 0x88, [10] = 1 }, 0, 15 },
};

static void one_blocks(void **state)
{
	const struct blocks_case *c = *state;
	struct exact e = exact_copy(c->cdb, c->len);

	assert_int_equal(srp_cdb_blocks(e.data, c->len), c->want);
	exact_free(&e);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(cdb_cases) + ARRAY_SIZE(blocks_cases) + 1];
	size_t nr = 0;

	ADD(tests, nr, "RES-09 RES-10 every operation code", every_opcode);
	ADD_ROWS(tests, nr, cdb_cases, one_cdb);
	ADD_ROWS(tests, nr, blocks_cases, one_blocks);
	return RUN("srp_cdb", tests, nr);
}
