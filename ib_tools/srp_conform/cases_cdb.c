// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of CDBs, and of the additional CDB of SRP_CMD (CDB). */
#include <string.h>

#include "conform.h"

#define AT	65536u	/* of the data: the buffer of a command */
#define LBA	40u
#define BLOCKS	2u
#define LEN	(BLOCKS * BLOCK)

static void put_be(u8 *p, u32 size, u64 v)
{
	while (size--) {
		p[size] = v;
		v >>= 8;
	}
}

/* A command with @add bytes of additional CDB, whatever @byte31 says. */
static void begin_long(struct srpi_iu *iu, struct cdb cdb, u8 byte31, u32 add, u8 fill)
{
	u8 bytes[256];

	begin_cmd(iu, cdb, 0)->add_cdb_len = byte31;
	memset(bytes, fill, sizeof(bytes));
	srpi_append(iu, bytes, add);
}

/* One descriptor for the buffer, direct or a table, whose memory must not be touched if @bad_key. */
static void append_buffer(struct srpi_iu *iu, enum srpi_dir dir, bool table, bool bad_key)
{
	struct srp_wire_desc desc = srpi_desc(&data_mem, AT, LEN), list[2] = {
		srpi_desc(&data_mem, AT, BLOCK), srpi_desc(&data_mem, AT + BLOCK, LEN - BLOCK),
	};

	desc.key ^= bad_key ? htobe32(1u << 31) : 0;
	if (table)
		srpi_indirect(iu, dir, srpi_desc(&data_mem, 0, sizeof(list)), list, ARRAY_SIZE(list), LEN);
	else
		srpi_direct(iu, dir, desc);
}

static void prepare(u64 medium)
{
	mark_blocks(shared(), LBA, BLOCKS, medium);
	memset(data, CANARY, MARK_AT);
}

/* Of the memory only the buffer may have changed; and only if @read, into this. */
static void expect_memory(bool read, u64 seed)
{
	if (read)
		expect_pattern(AT, LEN, seed);
	else
		expect_canary(AT, LEN);
	expect_canary(0, AT);
	expect_canary(AT + LEN, MARK_AT - AT - LEN);
}

/* ---- reads and writes that may be executed --------------------------------------------------------- */

static u32 try_read(const struct srpi_iu *iu, u64 seed, u32 allowed)
{
	struct srpi_rsp r;
	u32 outcome = probe(shared(), iu, allowed, &r);

	if (outcome == GOOD)
		expect_good(&r);
	expect_memory(outcome == GOOD, seed);
	return outcome;
}

/* The buffer has been filled, by the pattern of @seed. */
static u32 try_write(const struct srpi_iu *iu, u64 seed, u64 old, u32 allowed)
{
	struct srpi_rsp r;
	u32 outcome = probe(shared(), iu, allowed, &r);

	if (outcome == GOOD)
		expect_good(&r);
	expect_blocks(shared(), LBA, BLOCKS, outcome == GOOD ? seed : old);
	return outcome;
}

/* ---- CDB-01, CDB-02: kinds of CDBs ----------------------------------------------------------------- */

/* READ and WRITE of a kind; where the LBA and the number of blocks are, and their sizes. */
struct rw {
	const char	*name;
	u8		read, write, len;
	u8		lba_at, lba_size, nr_at, nr_size;
};

static const struct rw kinds[] = {
	{ "6 bytes", 0x08, 0x0a, 6, 1, 3, 4, 1 },
	{ "10 bytes", 0x28, 0x2a, 10, 2, 4, 7, 2 },
	{ "12 bytes", 0xa8, 0xaa, 12, 2, 4, 6, 4 },
	{ "16 bytes", 0x88, 0x8a, 16, 2, 8, 10, 4 },
};

static struct cdb rw_cdb(const struct rw *k, bool write)
{
	struct cdb cdb = { { write ? k->write : k->read } };

	put_be(cdb.b + k->lba_at, k->lba_size, LBA);
	put_be(cdb.b + k->nr_at, k->nr_size, BLOCKS);
	return cdb;
}

static void run_kind(const void *arg)
{
	const u64 old = next_random(), seed = next_random();
	const struct rw *k = arg;
	struct srpi_iu iu;

	prepare(old);
	fill_pattern(AT, LEN, seed);
	begin_cmd(&iu, rw_cdb(k, true), 0);
	append_buffer(&iu, SRPI_OUT, false, false);
	try_write(&iu, seed, old, GOOD);
	memset(data + AT, CANARY, LEN);
	begin_cmd(&iu, rw_cdb(k, false), 0);
	append_buffer(&iu, SRPI_IN, false, false);
	try_read(&iu, seed, GOOD);
}

static void cdb_01(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		row(run_kind, &kinds[i], "WRITE and READ of %s", kinds[i].name);
}

#define READ_32		0x0009
#define WRITE_32	0x000b
#define WRITE_SAME_32	0x000d

static struct cdb cdb_32(u16 action)
{
	struct cdb cdb = { { 0x7f }, .len = 32 };

	cdb.b[7] = 24;
	put_be(cdb.b + 8, 2, action);
	put_be(cdb.b + 12, 8, LBA);
	put_be(cdb.b + 28, 4, BLOCKS);
	return cdb;
}

/* A logical unit need not know them. A service action that it does not know may be a bad field. */
#define IF_SUPPORTED	(GOOD | BAD_OPCODE | BAD_CDB)

static void run_32(const void *arg)
{
	const bool table = *(const bool *)arg;
	const u64 old = next_random(), seed = next_random();
	struct srpi_iu iu;

	prepare(old);
	begin_cmd(&iu, cdb_32(READ_32), 0);
	append_buffer(&iu, SRPI_IN, table, false);
	try_read(&iu, old, IF_SUPPORTED);
	fill_pattern(AT, LEN, seed);
	begin_cmd(&iu, cdb_32(WRITE_32), 0);
	append_buffer(&iu, SRPI_OUT, table, false);
	try_write(&iu, seed, old, IF_SUPPORTED);
}

/* One block of data for two: a command that many know, with data-out behind an additional CDB. */
static void same_32(const void *arg)
{
	const bool table = *(const bool *)arg;
	const u64 old = next_random(), seed = next_random();
	struct srp_wire_desc desc = srpi_desc(&data_mem, AT, BLOCK);
	struct srpi_rsp r;
	struct srpi_iu iu;

	prepare(old);
	fill_pattern(AT, BLOCK, seed);
	begin_cmd(&iu, cdb_32(WRITE_SAME_32), 0);
	if (table)
		srpi_indirect(&iu, SRPI_OUT, srpi_desc(&data_mem, 0, sizeof(desc)), &desc, 1, BLOCK);
	else
		srpi_direct(&iu, SRPI_OUT, desc);
	if (probe(shared(), &iu, IF_SUPPORTED, &r) != GOOD) {
		expect_blocks(shared(), LBA, BLOCKS, old);
		return;
	}
	expect_blocks(shared(), LBA, 1, seed);
	expect_blocks(shared(), LBA + 1, 1, seed);
}

static void cdb_02(void)
{
	static const bool table[] = { false, true };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		row(run_32, &table[i], "READ(32) and WRITE(32), %s", table[i] ? "table" : "direct");
		row(same_32, &table[i], "WRITE SAME(32), %s", table[i] ? "table" : "direct");
	}
}

/* ---- CDB-03 to CDB-05, CDB-09: lengths of variable-length CDBs ------------------------------------- */

/* A CDB of an unusual length for what it says; its memory must not be touched, which a bad key would show. */
static void odd_length(u32 total, enum srpi_dir dir)
{
	u32 add = (total - SRP_CDB_LEN + 3) & ~3u;
	struct cdb cdb = cdb_32(total == 32 ? 0x77ff : dir == SRPI_OUT ? WRITE_32 : READ_32);
	u8 tail[SRP_CDB_LEN];
	struct srpi_iu iu;

	memcpy(tail, cdb.b + SRP_CDB_LEN, sizeof(tail));
	cdb.b[7] = total - 8;
	cdb.len = 0;
	begin_long(&iu, cdb, add, add, 0);
	memcpy(iu.b + 48, tail, add < sizeof(tail) ? add : sizeof(tail));
	append_buffer(&iu, dir, false, true);
	provoke(shared(), &iu, BAD_OPCODE | BAD_CDB, NULL);
}

static void odd_lengths(const void *arg)
{
	const u32 *range = arg;
	const u64 seed = next_random();
	u32 total;

	prepare(seed);
	for (total = range[0]; total <= range[1]; total++) {
		odd_length(total, SRPI_OUT);
		odd_length(total, SRPI_IN);
	}
	expect_memory(false, 0);
	expect_blocks(shared(), LBA, BLOCKS, seed);
	expect_conserved(shared());
}

static void cdb_03(void)
{
	static const u32 ranges[][2] = { { 20, 31 }, { 32, 32 }, { 33, 127 }, { 128, 255 }, { 256, 260 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		row(odd_lengths, ranges[i], "WRITE(32) and READ(32) with each length from %u to %u", ranges[i][0], ranges[i][1]);
}

/* What a CDB says of its length, and what is carried. */
struct carried {
	u8	says;		/* byte 7 of the CDB */
	u8	byte31;
	u16	action;
};

/* Behind the CDB are descriptors that look like the rest of a good one: LBA, and number of blocks. */
static void not_carried(const void *arg)
{
	const struct carried *c = arg;
	const u64 seed = next_random();
	struct cdb cdb = cdb_32(c->action);
	struct srp_wire_desc fake = { .va = htobe64((u64)LBA << 32), .len = htobe32(BLOCKS) };
	struct srpi_iu iu;

	prepare(seed);
	cdb.b[7] = c->says;
	cdb.len = 0;
	begin_long(&iu, cdb, c->byte31, c->byte31 & ~3u, 0);
	srpi_direct(&iu, c->action == READ_32 ? SRPI_IN : SRPI_OUT, fake);
	probe(shared(), &iu, c->says > 252 ? BAD_CDB : BAD_CDB | FIELD, NULL);
	expect_memory(false, 0);
	expect_blocks(shared(), LBA, BLOCKS, seed);
}

static void carried_rows(const struct carried *c, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		row(not_carried, &c[i], "action %04x, CDB says %u bytes, byte 31 is %02x", c[i].action, 8 + c[i].says,
		    c[i].byte31);
}

static void cdb_04(void)
{
	static const struct carried rows[] = {
		{ 24, 0, READ_32 }, { 24, 0, WRITE_32 }, { 24, 0, WRITE_SAME_32 }, { 252, 0, READ_32 }, { 252, 0, WRITE_32 },
		{ 252, 0, WRITE_SAME_32 }, { 28, 0x10, WRITE_SAME_32 }, { 9, 0, READ_32 }, { 252, 0xf0, WRITE_SAME_32 },
	};

	carried_rows(rows, ARRAY_SIZE(rows));
}

static void cdb_05(void)
{
	static const struct carried rows[] = {
		{ 253, 0xfc, WRITE_SAME_32 }, { 254, 0xfc, READ_32 }, { 255, 0xfc, WRITE_32 }, { 253, 0xf4, READ_32 },
	};

	carried_rows(rows, ARRAY_SIZE(rows));
}

/* ---- CDB-06 to CDB-09: byte 31 --------------------------------------------------------------------- */

/* CDBs of 10 bytes, and additional bytes that they do not use. */
static void with_additional(u8 byte31, u8 fill, bool table, u32 allowed)
{
	const u64 old = next_random(), seed = next_random();
	struct srpi_iu iu;

	prepare(old);
	fill_pattern(AT, LEN, seed);
	begin_long(&iu, AS_CDB(CDB_WRITE(LBA, BLOCKS)), byte31, byte31 & ~3u, fill);
	append_buffer(&iu, SRPI_OUT, table, false);
	if (try_write(&iu, seed, old, allowed) != GOOD)
		mark_blocks(shared(), LBA, BLOCKS, seed);
	memset(data + AT, CANARY, LEN);
	begin_long(&iu, AS_CDB(CDB_READ(LBA, BLOCKS)), byte31, byte31 & ~3u, fill);
	append_buffer(&iu, SRPI_IN, table, false);
	try_read(&iu, seed, allowed);
}

struct additional {
	u8	byte31;
	u8	fill;
	u32	allowed;
};

static void run_additional(const void *arg)
{
	const struct additional *a = arg;

	with_additional(a->byte31, a->fill, false, a->allowed);
	with_additional(a->byte31, a->fill, true, a->allowed);
}

static void additional_rows(const struct additional *a, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		row(run_additional, &a[i], "WRITE(10) and READ(10), byte 31 is %02x, additional bytes %02x", a[i].byte31,
		    a[i].fill);
}

static void cdb_06(void)
{
	static const struct additional rows[] = {
		{ 0x01, 0, GOOD }, { 0x02, 0, GOOD }, { 0x03, 0, GOOD }, { 0x11, 0, GOOD }, { 0x13, 0xff, GOOD },
	};

	additional_rows(rows, ARRAY_SIZE(rows));
}

struct cut {
	u8	byte31;
	u8	carried;
	u8	buf_fmt;
};

static void beyond_iu(const void *arg)
{
	const struct cut *c = arg;
	const u64 seed = next_random();
	struct srpi_iu iu;

	prepare(seed);
	begin_long(&iu, AS_CDB(CDB_READ(LBA, BLOCKS)), c->byte31, c->carried, 0);
	srpi_as_cmd(&iu)->buf_fmt = c->buf_fmt;
	probe(shared(), &iu, FIELD | KILL(SRP_LOGOUT_BAD_LEN), NULL);
	expect_memory(false, 0);
}

/* Every receive buffer holds what would be needed. */
static void cdb_07(void)
{
	static const struct cut rows[] = {
		{ 0xfc, 0, 0 }, { 0xfc, 0, 1 }, { 0x20, 31, 0 }, { 0x04, 3, 0 }, { 0x10, 16, 1 }, { 0xfc, 251, 0 },
		{ 0xff, 0, 0 },
	};
	struct srpi_chan *ch = shared();
	struct srpi_iu iu;
	unsigned int i;

	mark_blocks(ch, LBA, BLOCKS, 1);
	begin_long(&iu, AS_CDB(CDB_READ(LBA, BLOCKS)), 0xfc, 0xfc, 0);
	append_buffer(&iu, SRPI_IN, false, false);
	fill_receives(ch, &iu);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(beyond_iu, &rows[i], "byte 31 is %02x, %u bytes there, format %02x", rows[i].byte31, rows[i].carried,
		    rows[i].buf_fmt);
}

static void cdb_08(void)
{
	static const struct additional rows[] = {
		{ 0x08, 0, GOOD }, { 0x08, 0xff, GOOD }, { 0x04, 0xff, GOOD }, { 0x10, 0x7f, GOOD }, { 0x80, 0xff, GOOD },
		{ 0xf4, 0xff, GOOD },
	};

	additional_rows(rows, ARRAY_SIZE(rows));
}

static void cdb_09(void)
{
	static const struct additional rows[] = {
		{ 0xf8, 0, GOOD | BAD_CDB }, { 0xfc, 0, GOOD | BAD_CDB }, { 0xf8, 0xff, GOOD | BAD_CDB },
		{ 0xfc, 0xff, GOOD | BAD_CDB },
	};

	additional_rows(rows, ARRAY_SIZE(rows));
}

const struct conf_case cdb_cases[] = {
	{ "CDB-01", "CDBs of 6, 10, 12 and 16 bytes", "GOOD, data exact", cdb_01 },
	{ "CDB-02", "CDBs of 32 bytes", "GOOD and data exact, or 05/20/00", cdb_02 },
	{ "CDB-03", "CDBs of every length", "05/20/00 or 05/24/00; nothing is fetched", cdb_03 },
	{ "CDB-04", "a CDB longer than carried", "05/0E/03 or 05/24/00; descriptors are no CDB", cdb_04 },
	{ "CDB-05", "a CDB longer than 260 bytes", "05/24/00", cdb_05 },
	{ "CDB-06", "reserved bits of byte 31", "masked", cdb_06 },
	{ "CDB-07", "additional CDB beyond the IU", "05/0E/03, or SRP_T_LOGOUT 8 and closed", cdb_07 },
	{ "CDB-08", "a short CDB with additional CDB", "GOOD, additional bytes ignored", cdb_08 },
	{ "CDB-09", "248 and 252 additional bytes", "05/24/00, or ignored", cdb_09 },
	{ .id = NULL }
};
