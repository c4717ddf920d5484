// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Information units from an initiator: SRP_CMD by table, the others below it. */
#include "test.h"
#include "iu.h"
#include "srp_proto.h"

static const u8 cdb_tur[16] = { 0x00 };
static const u8 cdb_read10[16] = { 0x28, [8] = 8 };
static const u8 cdb_write10[16] = { 0x2a, [8] = 8 };
static const u8 cdb_inquiry[16] = { 0x12, [4] = 36 };
static const u8 cdb_vendor[16] = { 0xc0 };
static const u8 cdb_xdwriteread[16] = { 0x53, [8] = 1 };
static const u8 cdb_read32[268] = { 0x7f, [7] = 24, [9] = 0x09 };
static const u8 cdb_write32[268] = { 0x7f, [7] = 24, [9] = 0x0b };
static const u8 cdb_var_short[16] = { 0x7f, [7] = 0, [9] = 0x0b };
static const u8 cdb_var_16[16] = { 0x7f, [7] = 8, [9] = 0x0b };
static const u8 cdb_var_252[268] = { 0x7f, [7] = 252 };
static const u8 cdb_var_253[268] = { 0x7f, [7] = 253 };
static const u8 cdb_var_255[268] = { 0x7f, [7] = 255 };

static const u32 unequal[] = { 1, 511, 513, 4096, 7 };
static const u32 zeros_inside[] = { 0, 512, 0, 0, 512, 0 };
static const u32 wraps_to_0[] = { 0x80000000, 0x80000000 };
static const u32 wraps_to_1[] = { 0xffffffff, 2 };

/* What comes of it. */
struct cmd_case {
	const char	*name;
	struct cmd_desc	d;
	enum srp_reason	want;
	enum srp_dir	dir;
	enum srp_dir	cdb_dir;
	u32		buf_len;
	u32		nr_desc;
	u16		cdb_len;	/* 0: 16 */
	u32		list_at;	/* offset of desc or imm in the IU; 0: NULL */
	u32		table_at;	/* offset of the table's descriptor, if it is not in the IU */
};

#define NO SRP_DIR_NONE
#define OUT SRP_DIR_OUT
#define IN SRP_DIR_IN
#define UNKNOWN SRP_DIR_UNKNOWN

static const struct cmd_case cmd_cases[] = {
	/* CMD: the basics */
	{ "CMD-01 no data", { .cdb = cdb_tur }, SRP_OK, NO, NO },
	{ "CMD-02 data-in direct",
	  { .cdb = cdb_inquiry, .fmt = FMT_IN_DIRECT, .total = 36 }, SRP_OK, IN, IN, 36, 1, 0, 48 },
	{ "CMD-03 data-out direct",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_DIRECT, .total = 4096 },
	  SRP_OK, OUT, OUT, 4096, 1, 0, 48 },
	{ "CMD-06 HEAD OF QUEUE", { .attr = 1 }, SRP_OK, NO, NO },
	{ "CMD-06 ORDERED", { .attr = 2 }, SRP_OK, NO, NO },
	{ "CMD-06 ACA", { .attr = 4 }, SRP_OK, NO, NO },
	{ "CMD-07 attribute 3", { .attr = 3 }, SRP_BAD_ATTR },
	{ "CMD-07 attribute 5", { .attr = 5 }, SRP_BAD_ATTR },
	{ "CMD-07 attribute 6", { .attr = 6 }, SRP_BAD_ATTR },
	{ "CMD-07 attribute 7", { .attr = 7 }, SRP_BAD_ATTR },
	{ "CMD-07 high bits of the attribute ignored", { .attr = 0xf8 }, SRP_OK, NO, NO },
	{ "CMD-07 high bits and 3", { .attr = 0xfb }, SRP_BAD_ATTR },
	{ "IUF-10 trailing bytes, no data", { .len = 48 + 64 }, SRP_OK, NO, NO },
	{ "IUF-10 trailing bytes, direct",
	  { .cdb = cdb_read10, .fmt = FMT_IN_DIRECT, .total = 512, .len = 64 + 1 },
	  SRP_OK, IN, IN, 512, 1, 0, 48 },
	{ "IUF-07 as long as can be received", { .len = 8276 }, SRP_OK, NO, NO },

	/* CDB */
	{ "CDB-02 READ(32) direct",
	  { .cdb = cdb_read32, .add = 16, .fmt = FMT_IN_DIRECT, .total = 512 },
	  SRP_OK, IN, IN, 512, 1, 32, 64 },
	{ "CDB-02 WRITE(32) indirect",
	  { .cdb = cdb_write32, .add = 16, .fmt = FMT_OUT_IND, .count_out = 2, .table_len = 32,
	    .total = 1024, .nr = 2, .entry_len = 512 },
	  SRP_OK, OUT, OUT, 1024, 2, 32, 84 },
	{ "CDB-03 shortest that can be said",
	  { .cdb = cdb_var_short }, SRP_OK, NO, UNKNOWN, .cdb_len = 8 },
	{ "CDB-03 exactly the fixed bytes",
	  { .cdb = cdb_var_16 }, SRP_OK, OUT, OUT, .cdb_len = 16 },
	{ "CDB-03 shorter than carried: descriptors behind what is carried",
	  { .cdb = cdb_read32, .add = 32, .fmt = FMT_IN_DIRECT, .total = 512 },
	  SRP_OK, IN, IN, 512, 1, 32, 80 },
	{ "CDB-03 260 bytes",
	  { .cdb = cdb_var_252, .add = 244 }, SRP_OK, NO, UNKNOWN, .cdb_len = 260 },
	{ "CDB-04 longer than carried by 4",
	  { .cdb = cdb_read32, .add = 12, .fmt = FMT_IN_DIRECT, .total = 512 }, SRP_BAD_CDB_LEN },
	{ "CDB-04 no additional CDB at all",
	  { .cdb = cdb_write32, .fmt = FMT_OUT_DIRECT, .total = 512 }, SRP_BAD_CDB_LEN },
	{ "CDB-04 252 without additional CDB, IU long enough",
	  { .cdb = cdb_var_252, .len = 1024 }, SRP_BAD_CDB_LEN },
	{ "CDB-05 261 bytes, carried", { .cdb = cdb_var_253, .add = 252 }, SRP_BAD_CDB_LEN },
	{ "CDB-05 263 bytes, carried", { .cdb = cdb_var_255, .add = 252 }, SRP_BAD_CDB_LEN },
	{ "CDB-06 reserved low bits alone", { .add = 3 }, SRP_OK, NO, NO },
	{ "CDB-06 reserved low bits besides a length",
	  { .cdb = cdb_read32, .add = 0x11, .fmt = FMT_IN_DIRECT, .total = 512 },
	  SRP_OK, IN, IN, 512, 1, 32, 64 },
	{ "CDB-07 252 additional bytes in 48", { .add = 0xfc, .len = 48 }, SRP_BAD_ADD_CDB },
	{ "CDB-07 one byte short", { .add = 16, .len = 63 }, SRP_BAD_ADD_CDB },
	{ "CDB-08 READ(10) with additional CDB",
	  { .cdb = cdb_read10, .add = 8, .fmt = FMT_IN_DIRECT, .total = 4096 },
	  SRP_OK, IN, IN, 4096, 1, 24, 56 },
	{ "CDB-09 248 additional bytes: extra ignored",
	  { .cdb = cdb_read10, .add = 248, .fmt = FMT_IN_DIRECT, .total = 4096 },
	  SRP_OK, IN, IN, 4096, 1, 260, 296 },
	{ "CDB-09 252 additional bytes: extra ignored",
	  { .cdb = cdb_read10, .add = 252, .fmt = FMT_IN_DIRECT, .total = 4096 },
	  SRP_OK, IN, IN, 4096, 1, 260, 300 },

	/* DSC: everything in the IU */
	{ "DSC-01 one entry in",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 16,
	    .total = 512, .nr = 1, .entry_len = 512 }, SRP_OK, IN, IN, 512, 1, 0, 68 },
	{ "DSC-01 unequal entries out",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND, .count_out = 5, .table_len = 80,
	    .total = 5128, .nr = 5, .entries = unequal }, SRP_OK, OUT, OUT, 5128, 5, 0, 68 },
	{ "DSC-01 255 entries in",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 255, .table_len = 4080,
	    .total = 255 * 4096, .nr = 255, .entry_len = 4096 },
	  SRP_OK, IN, IN, 255 * 4096, 255, 0, 68 },
	{ "DSC-01 longest SRP_CMD of one direction",
	  { .cdb = cdb_write10, .add = 252, .fmt = FMT_OUT_IND, .count_out = 255,
	    .table_len = 4080, .total = 255, .nr = 255, .entry_len = 1 },
	  SRP_OK, OUT, OUT, 255, 255, 260, 320 },
	{ "DSC-02 COUNT ignored with direct, 255",
	  { .cdb = cdb_read10, .fmt = FMT_IN_DIRECT, .total = 512, .count_in = 255,
	    .count_out = 255 }, SRP_OK, IN, IN, 512, 1, 0, 48 },
	{ "DSC-02 COUNT ignored with direct, 0",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_DIRECT, .total = 512 },
	  SRP_OK, OUT, OUT, 512, 1, 0, 48 },
	{ "DSC-02 COUNT ignored without data", { .count_in = 255, .count_out = 1 }, SRP_OK, NO, NO },
	{ "DSC-03 write with the count in byte 7",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND, .count_in = 2, .table_len = 32,
	    .total = 1024, .nr = 2, .entry_len = 512 }, SRP_OK, OUT, OUT, 1024, 2, 0, 68 },
	{ "DSC-03 read with the count in byte 6",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_out = 2, .table_len = 32,
	    .total = 1024, .nr = 2, .entry_len = 512 }, SRP_OK, IN, IN, 1024, 2, 0, 68 },
	{ "DSC-03 the other count does not matter if this one is enough",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 2, .count_out = 200, .table_len = 32,
	    .total = 1024, .nr = 2, .entry_len = 512 }, SRP_OK, IN, IN, 1024, 2, 0, 68 },
	{ "DSC-04 direct one byte short",
	  { .cdb = cdb_read10, .fmt = FMT_IN_DIRECT, .total = 512, .len = 63 }, SRP_BAD_DESC_LEN },
	{ "DSC-04 direct not there",
	  { .cdb = cdb_read10, .fmt = FMT_IN_DIRECT, .total = 512, .len = 48 }, SRP_BAD_DESC_LEN },
	{ "DSC-05 indirect header one byte short",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .len = 67 }, SRP_BAD_DESC_LEN },
	{ "DSC-05 indirect header not there",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND, .len = 48 }, SRP_BAD_DESC_LEN },
	{ "DSC-06 255 announced, two carried",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 255, .table_len = 4080,
	    .total = 255 * 512, .nr = 2, .entry_len = 512 }, SRP_BAD_DESC_LEN },
	{ "DSC-06 last entry one byte short",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 2, .table_len = 32,
	    .total = 1024, .nr = 2, .entry_len = 512, .len = 68 + 31 }, SRP_BAD_DESC_LEN },
	{ "DSC-06 partial list itself beyond the IU",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 2, .table_len = 64,
	    .total = 2048, .nr = 1, .entry_len = 512 }, SRP_BAD_DESC_LEN },
	{ "DSC-07 table length 1",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .table_len = 1, .total = 512 },
	  SRP_BAD_TABLE_LEN },
	{ "DSC-07 table length 15",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .table_len = 15, .total = 512 },
	  SRP_BAD_TABLE_LEN },
	{ "DSC-07 table length 17",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 17, .total = 512,
	    .nr = 1, .entry_len = 512 }, SRP_BAD_TABLE_LEN },
	{ "DSC-07 table length FFFFFFFFh",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 0xffffffff,
	    .total = 512, .nr = 1, .entry_len = 512 }, SRP_BAD_TABLE_LEN },
	{ "DSC-08 table shorter than COUNT",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND, .count_out = 4, .table_len = 16,
	    .total = 512, .nr = 4, .entry_len = 512 }, SRP_BAD_TABLE_LEN },
	{ "DSC-09 empty table, total 0, read",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND }, SRP_OK, IN, IN },
	{ "DSC-09 empty table, total 0, no data",
	  { .cdb = cdb_tur, .fmt = FMT_OUT_IND }, SRP_OK, NO, NO },
	{ "DSC-10 empty table, total 4096, write",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND, .total = 4096 }, SRP_BAD_SUM },
	{ "DSC-10 empty table, total 4096, read",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .total = 4096 }, SRP_BAD_SUM },
	{ "DSC-11 fully external table",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .table_len = 16, .total = 512 },
	  SRP_OK, IN, IN, 512, 1, .table_at = 48 },
	{ "DSC-11 external table of 4096",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .table_len = 65536, .total = 512 },
	  SRP_OK, IN, IN, 512, 4096, .table_at = 48 },
	{ "DSC-12 partial table",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 32, .total = 1024,
	    .nr = 1, .entry_len = 512 }, SRP_OK, IN, IN, 1024, 2, .table_at = 48 },
	{ "DSC-15 table of 4097",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .table_len = 65552, .total = 512 },
	  SRP_BAD_TABLE_CAP },
	{ "DSC-15 table length 10000000h",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 0x10000000,
	    .total = 512, .nr = 1, .entry_len = 512 }, SRP_BAD_TABLE_CAP },
	{ "DSC-15 table length FFFFFFF0h",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND, .count_out = 1, .table_len = 0xfffffff0,
	    .total = 512, .nr = 1, .entry_len = 512 }, SRP_BAD_TABLE_CAP },
	{ "DSC-18 300 entries through both counts",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND, .count_out = 255, .count_in = 45,
	    .table_len = 4800, .total = 300 * 512, .nr = 300, .entry_len = 512 },
	  SRP_OK, OUT, OUT, 300 * 512, 300, 0, 68 },
	{ "DSC-18 510 entries through both counts",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_out = 255, .count_in = 255,
	    .table_len = 8160, .total = 510 * 512, .nr = 510, .entry_len = 512 },
	  SRP_OK, IN, IN, 510 * 512, 510, 0, 68 },
	{ "DSC-19 total above the sum",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 16, .total = 65536,
	    .nr = 1, .entry_len = 4096 }, SRP_BAD_SUM },
	{ "DSC-20 total below the sum",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 16, .total = 4096,
	    .nr = 1, .entry_len = 65536 }, SRP_BAD_SUM },
	{ "DSC-20 total 0, entries not",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 16,
	    .nr = 1, .entry_len = 512 }, SRP_BAD_SUM },
	{ "DSC-21 sum wraps to 0",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 2, .table_len = 32,
	    .nr = 2, .entries = wraps_to_0 }, SRP_BAD_SUM },
	{ "DSC-21 sum wraps to 1",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND, .count_out = 2, .table_len = 32, .total = 1,
	    .nr = 2, .entries = wraps_to_1 }, SRP_BAD_SUM },
	{ "DSC-21 17 x 10000000h",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 17, .table_len = 272,
	    .total = 0x10000000, .nr = 17, .entry_len = 0x10000000 }, SRP_BAD_SUM },
	{ "DSC-22 direct of 80000000h",
	  { .cdb = cdb_read10, .fmt = FMT_IN_DIRECT, .total = 0x80000000 },
	  SRP_OK, IN, IN, 0x80000000, 1, 0, 48 },
	{ "DSC-22 direct of FFFFFFFFh",
	  { .cdb = cdb_read10, .fmt = FMT_IN_DIRECT, .total = 0xffffffff },
	  SRP_OK, IN, IN, 0xffffffff, 1, 0, 48 },
	{ "DSC-22 table of FFFFFFFFh",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 16,
	    .total = 0xffffffff, .nr = 1, .entry_len = 0xffffffff },
	  SRP_OK, IN, IN, 0xffffffff, 1, 0, 68 },
	{ "DSC-23 zero-length direct, no data",
	  { .cdb = cdb_tur, .fmt = FMT_IN_DIRECT }, SRP_OK, NO, NO },
	{ "DSC-23 zero-length direct, INQUIRY",
	  { .cdb = cdb_inquiry, .fmt = FMT_IN_DIRECT }, SRP_OK, IN, IN },
	{ "DSC-23 zero-length direct, write",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_DIRECT }, SRP_OK, OUT, OUT },
	{ "DSC-23 zero-length direct of the wrong direction is no buffer either",
	  { .cdb = cdb_write10, .fmt = FMT_IN_DIRECT }, SRP_OK, OUT, OUT },
	{ "DSC-23 zero-length direct, vendor specific",
	  { .cdb = cdb_vendor, .fmt = FMT_OUT_DIRECT }, SRP_OK, NO, UNKNOWN },
	{ "DSC-24 zero-length entries",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 6, .table_len = 96, .total = 1024,
	    .nr = 6, .entries = zeros_inside }, SRP_OK, IN, IN, 1024, 6, 0, 68 },
	{ "DSC-24 only zero-length entries",
	  { .cdb = cdb_read10, .fmt = FMT_IN_IND, .count_in = 3, .table_len = 48, .nr = 3 },
	  SRP_OK, IN, IN },
	{ "DSC-27 out direct, in direct",
	  { .cdb = cdb_xdwriteread, .fmt = FMT_OUT_DIRECT | FMT_IN_DIRECT, .len = 80 },
	  SRP_BAD_BIDI },
	{ "DSC-27 out indirect, in direct",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IND | FMT_IN_DIRECT, .len = 100 }, SRP_BAD_BIDI },
	{ "DSC-27 out direct, in indirect",
	  { .cdb = cdb_read10, .fmt = FMT_OUT_DIRECT | FMT_IN_IND, .len = 100 }, SRP_BAD_BIDI },
	{ "DSC-27 out indirect, in indirect",
	  { .cdb = cdb_vendor, .fmt = FMT_OUT_IND | FMT_IN_IND, .len = 100 }, SRP_BAD_BIDI },

	/* IMM */
	{ "IMM-01 512 bytes at 68",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512 },
	  SRP_OK, OUT, OUT, 512, 0, 0, 68 },
	{ "IMM-01 1 byte at 68",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 1 },
	  SRP_OK, OUT, OUT, 1, 0, 0, 68 },
	{ "IMM-01 8192 bytes at 68",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 8192 },
	  SRP_OK, OUT, OUT, 8192, 0, 0, 68 },
	{ "IMM-02 straight behind the descriptor",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 52, .total = 512 },
	  SRP_OK, OUT, OUT, 512, 0, 0, 52 },
	{ "IMM-02 at 512",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 512, .total = 4096 },
	  SRP_OK, OUT, OUT, 4096, 0, 0, 512 },
	{ "IMM-02 where it is does not depend on the additional CDB",
	  { .cdb = cdb_write32, .add = 16, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512 },
	  SRP_OK, OUT, OUT, 512, 0, 32, 68 },
	{ "IMM-03 not agreed",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .total = 512, .len = 580 }, SRP_BAD_IMM },
	{ "IMM-04 one byte missing",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512, .len = 579 },
	  SRP_BAD_IMM_LEN },
	{ "IMM-04 all missing",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512, .len = 52 },
	  SRP_BAD_IMM_LEN },
	{ "IMM-04 the descriptor missing too",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512, .len = 51 },
	  SRP_BAD_DESC_LEN },
	{ "IMM-05 length FFFFFFFFh",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 0xffffffff,
	    .len = 580 }, SRP_BAD_IMM_LEN },
	{ "IMM-05 offset + length wraps to 0",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 0xffffffbc,
	    .len = 580 }, SRP_BAD_IMM_LEN },
	{ "IMM-05 length 80000000h",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 0x80000000,
	    .len = 580 }, SRP_BAD_IMM_LEN },
	{ "IMM-06 descriptor overlaps the data",
	  { .cdb = cdb_write32, .add = 20, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512,
	    .len = 580 }, SRP_BAD_IMM_LEN },
	{ "IMM-06 additional CDB overlaps the data",
	  { .cdb = cdb_write10, .add = 252, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512,
	    .len = 1024 }, SRP_BAD_IMM_LEN },
	{ "IMM-07 length 0",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .len = 52 }, SRP_OK, OUT, OUT },
	{ "IMM-07 length 0, no data",
	  { .cdb = cdb_tur, .fmt = FMT_OUT_IMM, .imm_off = 68, .len = 68 }, SRP_OK, NO, NO },
	{ "IMM-09 trailing bytes",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512, .len = 700 },
	  SRP_OK, OUT, OUT, 512, 0, 0, 68 },
	{ "IMM-10 with a data-in format",
	  { .cdb = cdb_write10, .fmt = FMT_OUT_IMM | FMT_IN_DIRECT, .imm_off = 68, .len = 580 },
	  SRP_BAD_BIDI },

	/* RES: buffer against CDB */
	{ "RES-07 read without a buffer", { .cdb = cdb_read10 }, SRP_OK, IN, IN },
	{ "RES-07 write without a buffer", { .cdb = cdb_write10 }, SRP_OK, OUT, OUT },
	{ "RES-08 no data, buffer in",
	  { .cdb = cdb_tur, .fmt = FMT_IN_DIRECT, .total = 512 }, SRP_OK, IN, NO, 512, 1, 0, 48 },
	{ "RES-08 no data, buffer out",
	  { .cdb = cdb_tur, .fmt = FMT_OUT_DIRECT, .total = 512 }, SRP_OK, OUT, NO, 512, 1, 0, 48 },
	{ "RES-08 no data, immediate",
	  { .cdb = cdb_tur, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512 },
	  SRP_OK, OUT, NO, 512, 0, 0, 68 },
	{ "RES-09 read with a buffer out",
	  { .cdb = cdb_read10, .fmt = FMT_OUT_DIRECT, .total = 512 }, SRP_BAD_DIR },
	{ "RES-09 read with immediate data",
	  { .cdb = cdb_read10, .fmt = FMT_OUT_IMM, .imm_off = 68, .total = 512 }, SRP_BAD_DIR },
	{ "RES-10 write with a buffer in",
	  { .cdb = cdb_write10, .fmt = FMT_IN_DIRECT, .total = 512 }, SRP_BAD_DIR },
	{ "RES-10 WRITE(32) with a table in",
	  { .cdb = cdb_write32, .add = 16, .fmt = FMT_IN_IND, .count_in = 1, .table_len = 16,
	    .total = 512, .nr = 1, .entry_len = 512 }, SRP_BAD_DIR },
	{ "vendor specific: the buffer decides, in",
	  { .cdb = cdb_vendor, .fmt = FMT_IN_DIRECT, .total = 512 },
	  SRP_OK, IN, UNKNOWN, 512, 1, 0, 48 },
	{ "vendor specific: the buffer decides, out",
	  { .cdb = cdb_vendor, .fmt = FMT_OUT_DIRECT, .total = 512 },
	  SRP_OK, OUT, UNKNOWN, 512, 1, 0, 48 },
	{ "vendor specific without a buffer", { .cdb = cdb_vendor }, SRP_OK, NO, UNKNOWN },
};

static u8 scratch[IU_MAX];

static enum srp_reason decode(const void *from, u32 len, u16 imm_off, struct srp_iu *iu,
			      struct exact *e)
{
	struct srp_iu_params p = { .imm_off = imm_off };

	*e = exact_copy(from, len);
	return srp_decode_iu(e->data, len, &p, iu);
}

static void check_cmd(const struct cmd_case *c, const struct srp_iu *iu, const u8 *at)
{
	const struct srp_cmd_req *req = &iu->cmd;

	assert_memory_equal(req->lun, "\0\5\0\0\0\0\0\0", 8);
	assert_int_equal(req->attr, c->d.attr & 7);
	assert_ptr_equal(req->cdb, at + 32);
	assert_int_equal(req->cdb_len, c->cdb_len ? c->cdb_len : 16 + (c->d.add & 0xfc));
	assert_int_equal(req->dir, c->dir);
	assert_int_equal(req->cdb_dir, c->cdb_dir);
	assert_int_equal(req->buf.len, c->buf_len);
	assert_int_equal(req->buf.nr_desc, c->nr_desc);
	assert_ptr_equal(req->buf.table, c->table_at ? at + c->table_at : NULL);
	assert_ptr_equal(req->buf.desc, c->nr_desc && !c->table_at ? at + c->list_at : NULL);
	assert_ptr_equal(req->buf.imm, c->list_at && !c->nr_desc ? at + c->list_at : NULL);
}

static void one_cmd(void **state)
{
	const struct cmd_case *c = *state;
	u32 len = build_cmd(scratch, &c->d);
	struct srp_iu iu;
	struct exact e;

	assert_string_equal(srp_reason_str(decode(scratch, len, c->d.imm_off, &iu, &e)),
			    srp_reason_str(c->want));
	assert_int_equal(iu.opcode, 0x02);
	assert_true(iu.has_tag);
	assert_memory_equal(&iu.tag, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	if (c->want == SRP_OK)
		check_cmd(c, &iu, e.data);
	exact_free(&e);
}

/*
 * Whatever the IU is cut to, it is refused or lacks nothing that is used. The
 * sanitizer proves that nothing beyond the cut was read.
 */
static void every_cut(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cmd_cases); i++) {
		const struct cmd_case *c = &cmd_cases[i];
		u32 full = build_cmd(scratch, &c->d), len, needed = 48;

		if (c->want)
			continue;
		needed += c->d.add & 0xfc;
		if (c->d.fmt == FMT_IN_DIRECT || c->d.fmt == FMT_OUT_DIRECT)
			needed += 16;
		if (c->d.fmt == FMT_IN_IND || c->d.fmt == FMT_OUT_IND)
			needed += 20 + 16 * c->d.nr;
		if (c->d.fmt == FMT_OUT_IMM)
			needed = c->d.total ? c->d.imm_off + c->d.total : needed + 4;
		for (len = 0; len < full; len++) {
			struct srp_iu iu;
			struct exact e;
			enum srp_reason r = decode(scratch, len, c->d.imm_off, &iu, &e);

			assert_int_equal(r == SRP_OK, len >= needed);
			assert_int_equal(iu.has_tag, len >= 16);
			assert_int_equal(srp_reason_action(r) == SRP_ACT_KILL, len < 16);
			exact_free(&e);
		}
	}
}

/* DSC-25, DSC-26: every value of byte 5. */
static void every_format(void **state)
{
	unsigned int fmt;

	(void)state;
	for (fmt = 0; fmt < 256; fmt++) {
		struct cmd_desc d = { .cdb = cdb_vendor, .len = 200, .imm_off = 68 };
		unsigned int out = fmt >> 4, in = fmt & 15;
		enum srp_reason want = SRP_OK;
		struct srp_iu iu;
		struct exact e;

		build_cmd(scratch, &d);
		memset(scratch + 48, 0, 152);
		scratch[5] = fmt;
		if (out > 3)
			want = SRP_BAD_FMT_OUT;
		else if (in > 2)
			want = SRP_BAD_FMT_IN;
		else if (out && in)
			want = SRP_BAD_BIDI;
		assert_int_equal(decode(scratch, 200, 68, &iu, &e), want);
		exact_free(&e);
	}
}

/* CMD-04, CMD-05: one byte at a time, and the result is the same. */
static void reserved_bytes(void **state)
{
	static const u8 at[] = { 1, 2, 3, 4, 16, 17, 18, 19, 28, 30 };
	struct cmd_desc d = { .cdb = cdb_read10, .fmt = FMT_IN_DIRECT, .total = 512 };
	u32 len = build_cmd(scratch, &d), value;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (value = 0; value < 256; value += 15) {
			struct srp_iu iu;
			struct exact e;

			scratch[at[i]] = value;
			assert_int_equal(decode(scratch, len, 0, &iu, &e), SRP_OK);
			assert_int_equal(iu.cmd.buf.len, 512);
			assert_int_equal(iu.cmd.cdb_len, 16);
			exact_free(&e);
		}
	}
}

/* CDB-03: the descriptor is found behind every length that can be carried. */
static void every_cdb_length(void **state)
{
	u32 add;

	(void)state;
	for (add = 4; add <= 244; add += 4) {
		u8 cdb[268] = { 0x7f, [7] = 8 + add, [8] = 0xff };
		struct cmd_desc d = { .cdb = cdb, .add = add, .fmt = FMT_OUT_DIRECT, .total = add };
		u32 len = build_cmd(scratch, &d);
		struct srp_iu iu;
		struct exact e;

		assert_int_equal(decode(scratch, len, 0, &iu, &e), SRP_OK);
		assert_int_equal(iu.cmd.cdb_len, 16 + add);
		assert_int_equal(iu.cmd.buf.len, add);
		assert_ptr_equal(iu.cmd.buf.desc, e.data + 48 + add);
		exact_free(&e);
	}
}

/* IUF-01 to IUF-05, IUF-11, IUF-12, LOG-25: every opcode in every short length. */
static void every_opcode(void **state)
{
	u32 opcode, len;

	(void)state;
	for (opcode = 0; opcode < 256; opcode++) {
		bool request = opcode == 1 || opcode == 2;
		bool other = opcode == 3 || opcode == 0x41 || opcode == 0x42;
		bool defined = request || other || opcode == 0 ||
			       (opcode >= 0x80 && opcode <= 0x82) ||
			       (opcode >= 0xc0 && opcode <= 0xc2);

		for (len = 1; len <= 64; len++) {
			u8 bytes[64] = { opcode };
			enum srp_reason want = SRP_OK;
			struct srp_iu iu;
			struct exact e;

			if (!defined)
				want = SRP_BAD_OPCODE;
			else if (len < 16)
				want = SRP_BAD_LEN;
			else if (opcode == 0)
				want = SRP_BAD_LOGIN_IN_BAND;
			else if (request && len < 48)
				want = SRP_BAD_LEN_TAGGED;
			else if (!request && !other)
				want = SRP_BAD_OPCODE;
			memset(bytes + 8, 0xa5, len < 16 ? 0 : 8);
			assert_int_equal(decode(bytes, len, 0, &iu, &e), want);
			assert_int_equal(iu.opcode, opcode);
			assert_int_equal(iu.has_tag, len >= 16);
			assert_true(iu.tag == (len < 16 ? 0 : 0xa5a5a5a5a5a5a5a5));
			exact_free(&e);
		}
	}
}

static void empty(void **state)
{
	struct srp_iu iu;
	struct exact e;

	(void)state;
	assert_int_equal(decode("", 0, 0, &iu, &e), SRP_BAD_LEN);
	assert_false(iu.has_tag);
	exact_free(&e);
}

struct tmf_case {
	const char	*name;
	u8		function;
	u8		lun[8];
	enum srp_reason	want;
};

static const struct tmf_case tmf_cases[] = {
	{ "TMF-01 ABORT TASK", 0x01, { 0, 1 }, SRP_OK },
	{ "TMF-05 ABORT TASK SET", 0x02, { 0, 0 }, SRP_OK },
	{ "TMF-06 CLEAR TASK SET", 0x04, { 0, 255 }, SRP_OK },
	{ "TMF-07 LUN RESET, flat LUN-02", 0x08, { 0x40, 1 }, SRP_OK },
	{ "TMF-08 CLEAR ACA, LUN-03", 0x40, { 0x7f, 0xff }, SRP_OK },
	{ "TMF-09 function 00", 0x00, { 0 }, SRP_OK },
	{ "TMF-09 function 03", 0x03, { 0 }, SRP_OK },
	{ "TMF-09 function 10", 0x10, { 0 }, SRP_OK },
	{ "TMF-09 function 20", 0x20, { 0 }, SRP_OK },
	{ "TMF-09 function 80", 0x80, { 0 }, SRP_OK },
	{ "TMF-09 function FF", 0xff, { 0 }, SRP_OK },
	{ "TMF-09 before TMF-11: unknown function, malformed LUN", 0x03,
	  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, SRP_OK },
	{ "TMF-11 second level", 0x01, { 0, 1, 0, 2 }, SRP_BAD_LUN },
	{ "TMF-11 LUN-05 third level", 0x08, { 0, 1, 0, 0, 1 }, SRP_BAD_LUN },
	{ "TMF-11 last byte", 0x02, { 0x40, 1, 0, 0, 0, 0, 0, 1 }, SRP_BAD_LUN },
	{ "TMF-11 method 10b", 0x01, { 0x80, 1 }, SRP_BAD_LUN },
	{ "TMF-11 LUN-06 method 11b", 0x08, { 0xc1, 1 }, SRP_BAD_LUN },
	{ "TMF-11 LUN-06 all-ones", 0x08, { 255, 255, 255, 255, 255, 255, 255, 255 }, SRP_BAD_LUN },
	{ "LUN-03 LUN 256 as REPORT LUNS returns it", 0x01, { 0x01, 0 }, SRP_OK },
	{ "TMF-11 CLEAR ACA", 0x40, { 0x80 }, SRP_BAD_LUN },
};

static void one_tmf(void **state)
{
	const struct tmf_case *c = *state;
	struct srp_iu iu;
	struct exact e;
	u8 bytes[48];

	/* TMF-12: all that is reserved is set. */
	memset(bytes, 0xff, sizeof(bytes));
	bytes[0] = 0x01;
	memcpy(bytes + 8, "ABCDEFGH", 8);
	memcpy(bytes + 20, c->lun, 8);
	bytes[30] = c->function;
	memcpy(bytes + 32, "abcdefgh", 8);

	assert_int_equal(decode(bytes, 48, 0, &iu, &e), c->want);
	assert_memory_equal(&iu.tag, "ABCDEFGH", 8);
	assert_int_equal(iu.tmf.function, c->function);
	assert_memory_equal(&iu.tmf.task_tag, "abcdefgh", 8);
	assert_memory_equal(iu.tmf.lun, c->lun, 8);
	exact_free(&e);
}

/* TAG-01 */
static void tags(void **state)
{
	static const u8 values[][8] = {
		{ 0 }, { 0, 0, 0, 0, 255, 255, 255, 255 }, { 0, 0, 0, 1 }, { 0x80 },
		{ 255, 255, 255, 255, 255, 255, 255, 255 }, { 1, 2, 3, 4, 5, 6, 7, 8 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		u8 bytes[16] = { 0x03 };
		struct srp_iu iu;
		struct exact e;

		memcpy(bytes + 8, values[i], 8);
		assert_int_equal(decode(bytes, 16, 0, &iu, &e), SRP_OK);
		assert_memory_equal(&iu.tag, values[i], 8);
		exact_free(&e);
	}
}

/* A table that was fetched is checked like one in the IU. */
static void take_table(void **state)
{
	struct srp_wire_desc at = { 0 }, list[3] = {
		{ .len = __builtin_bswap32(512) }, { .len = 0 }, { .len = __builtin_bswap32(0xffffffff) },
	};
	struct srp_buf buf = { .len = 512, .nr_desc = 2, .table = &at };

	(void)state;
	assert_int_equal(srp_take_table(&buf, list), SRP_OK);
	assert_ptr_equal(buf.desc, list);
	assert_null(buf.table);

	buf = (struct srp_buf){ .len = 511, .nr_desc = 3, .table = &at };
	assert_int_equal(srp_take_table(&buf, list), SRP_BAD_SUM);
	assert_null(buf.desc);
}

static void reasons(void **state)
{
	unsigned int i, j;

	(void)state;
	assert_int_equal(srp_reason_action(SRP_OK), SRP_ACT_ACCEPT);
	for (i = 1; i < SRP_NR_REASONS; i++) {
		bool kill = i == SRP_BAD_LEN || i == SRP_BAD_OPCODE ||
			    i == SRP_BAD_LOGIN_IN_BAND || i == SRP_BAD_CREDIT ||
			    i == SRP_BAD_UNSOLICITED;

		assert_int_equal(srp_reason_action(i), kill ? SRP_ACT_KILL : SRP_ACT_FIELD);
		for (j = 0; j < i; j++)
			assert_string_not_equal(srp_reason_str(i), srp_reason_str(j));
	}
	assert_int_equal(srp_reason_logout(SRP_BAD_LEN), 8);
	assert_int_equal(srp_reason_logout(SRP_BAD_OPCODE), 2);
	assert_int_equal(srp_reason_logout(SRP_BAD_LOGIN_IN_BAND), 2);
	assert_int_equal(srp_reason_logout(SRP_BAD_CREDIT), 0);
	assert_int_equal(srp_reason_logout(SRP_BAD_UNSOLICITED), 3);
	assert_int_equal(srp_reason_logout(SRP_BAD_SUM), 0);
	assert_int_equal(srp_reason_action(SRP_NR_REASONS), SRP_ACT_KILL);
	assert_int_equal(srp_reason_logout((enum srp_reason)-1), 0);
	assert_non_null(srp_reason_str((enum srp_reason)1000));
}

/* IUF-19: a valid IU with a few bytes changed; the sanitizers and the sum are the judges. */
static void random_damage(void **state)
{
	u64 seed = 0x5eed5eed5eed5eedull;
	unsigned int round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		const struct cmd_case *c = &cmd_cases[next_random(&seed) % ARRAY_SIZE(cmd_cases)];
		u32 len = build_cmd(scratch, &c->d), n, i;
		u64 sum = 0;
		struct srp_iu iu;
		struct exact e;

		if (len > 2048)
			continue;
		for (n = next_random(&seed) % 4; n; n--)
			scratch[next_random(&seed) % (len < 112 ? len : 112)] = next_random(&seed);
		len -= next_random(&seed) % 8 ? 0 : next_random(&seed) % len;
		if (decode(scratch, len, c->d.imm_off, &iu, &e) == SRP_OK && iu.opcode == 0x02) {
			for (i = 0; iu.cmd.buf.desc && i < iu.cmd.buf.nr_desc; i++)
				sum += __builtin_bswap32(iu.cmd.buf.desc[i].len);
			if (!iu.cmd.buf.imm && !iu.cmd.buf.table)
				assert_true(sum == iu.cmd.buf.len);
		}
		exact_free(&e);
	}
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(cmd_cases) + ARRAY_SIZE(tmf_cases) + 17];
	size_t nr = 0;

	ADD_ROWS(tests, nr, cmd_cases, one_cmd);
	ADD_ROWS(tests, nr, tmf_cases, one_tmf);
	ADD(tests, nr, "IUF-01 empty SEND", empty);
	ADD(tests, nr, "IUF-02 IUF-03 IUF-04 IUF-05 IUF-11 IUF-12 LOG-25 every opcode, 1..64 bytes",
	    every_opcode);
	ADD(tests, nr, "IUF-06 DSC-04 DSC-05 DSC-06 IMM-04 every cut of every valid command", every_cut);
	ADD(tests, nr, "IUF-19 random damage", random_damage);
	ADD(tests, nr, "CMD-04 CMD-05 reserved bytes and solicited bits", reserved_bytes);
	ADD(tests, nr, "CDB-03 every additional length", every_cdb_length);
	ADD(tests, nr, "DSC-25 DSC-26 DSC-27 every format byte", every_format);
	ADD(tests, nr, "TAG-01 tags are opaque", tags);
	ADD(tests, nr, "DSC-16 a fetched table", take_table);
	ADD(tests, nr, "CRD-03 outcome classes of the reasons", reasons);
	return RUN("srp_decode", tests, nr);
}
