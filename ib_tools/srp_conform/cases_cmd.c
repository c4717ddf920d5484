// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of SRP_CMD (CMD). */
#include <string.h>

#include "conform.h"

static void cmd_01(void)
{
	struct srpi_chan *ch = shared();

	sent("TEST UNIT READY, 48 bytes");
	tur(ch);
	saw("GOOD, 36 bytes");
	expect_conserved(ch);
}

static void cmd_02(void)
{
	struct srpi_chan *ch = shared();
	const u64 seed = next_random();
	struct srpi_iu iu;

	sent("INQUIRY of 36 bytes, READ(10) of 8 blocks");
	mark_blocks(ch, 8, 8, seed);
	memset(data, CANARY, MARK_AT);
	build_in(&iu, AS_CDB(CDB_INQUIRY(36)), 4096, 36);
	do_good(ch, &iu);
	expect_canary(0, 4096);
	expect_canary(4096 + 36, 4096);
	if (data[4096] == CANARY || data[4096 + 8] == CANARY)
		fail("no INQUIRY data");
	read_blocks(ch, 8, 8, 8192);
	saw("GOOD");
	expect_pattern(8192, 4096, seed);
	expect_canary(12288, MARK_AT - 12288);
	expect_conserved(ch);
}

static void cmd_03(void)
{
	struct srpi_chan *ch = shared();
	const u64 seed = next_random();

	sent("WRITE(10) of 8 blocks, READ(10)");
	mark_blocks(ch, 7, 10, ~seed);
	memset(data, CANARY, MARK_AT);
	fill_pattern(4096, 4096, seed);
	write_blocks(ch, 8, 8, 4096);
	saw("GOOD");
	expect_pattern(4096, 4096, seed);
	expect_canary(0, 4096);
	expect_blocks(ch, 8, 8, seed);
	read_blocks(ch, 7, 10, 65536);
	fill_pattern(MARK_AT, 10 * BLOCK, ~seed);
	expect_same(65536, MARK_AT, BLOCK);
	expect_same(65536 + 9 * BLOCK, MARK_AT + 9 * BLOCK, BLOCK);
	expect_conserved(ch);
}

/* Bytes of an SRP_CMD that must not matter, and what for. */
struct ignored {
	u8	at;
	u8	value;
};

static void ignored_bytes(const void *arg)
{
	static const u8 reserved[] = { 1, 2, 3, 4, 16, 17, 18, 19, 28, 30 };
	const struct ignored *ig = arg;
	struct srpi_chan *ch = shared();
	const u64 seed = next_random();
	struct srpi_iu iu[4];
	unsigned int i, j;
	struct srpi_rsp r;

	fill_pattern(0, BLOCK, seed);
	memset(data + BLOCK, CANARY, 8192);
	build_tur(&iu[0]);
	build_out(&iu[1], AS_CDB(CDB_WRITE(3, 1)), 0, BLOCK);
	build_in(&iu[2], AS_CDB(CDB_READ(3, 1)), 4096, BLOCK);
	build_in(&iu[3], AS_CDB(CDB_READ(0xfffffff0, 1)), 4096, BLOCK);
	for (i = 0; i < 4; i++) {
		for (j = 0; j < sizeof(reserved); j++)
			if (ig->at == reserved[j] || ig->at == 0xff)
				iu[i].b[reserved[j]] = ig->value;
		ask(ch, &iu[i], &r);
		if (i < 3)
			expect_good(&r);
		else
			expect_sense(&r, 0x052100);
	}
	saw("ignored");
	expect_pattern(4096, BLOCK, seed);
	expect_canary(4096 + BLOCK, 4096);
	expect_conserved(ch);
}

static void cmd_04(void)
{
	static const struct ignored rows[] = {
		{ 1, 0xff }, { 2, 0xff }, { 3, 0xff }, { 4, 0xff }, { 16, 0xff }, { 17, 0xff }, { 18, 0xff }, { 19, 0xff },
		{ 28, 0xff }, { 30, 0xff }, { 0xff, 0x01 }, { 0xff, 0x80 }, { 0xff, 0xff },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].at == 0xff)
			row(ignored_bytes, &rows[i], "all reserved bytes are %02x", rows[i].value);
		else
			row(ignored_bytes, &rows[i], "byte %u is %02x", rows[i].at, rows[i].value);
	}
}

/* wait_rsp() looks at the SOLNT bit of every response. */
static void cmd_05(void)
{
	static const struct ignored rows[] = { { 1, 0x02 }, { 1, 0x04 }, { 1, 0x06 } };
	static const char *const names[] = { "SCSOLNT", "UCSOLNT", "both" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(ignored_bytes, &rows[i], "%s, commands that succeed and that fail", names[i]);
}

#define NR_ORDERED	4

/* The ORDERED WRITE runs behind the first READ, before the second; the READ at the HEAD OF QUEUE before the WRITE. */
static void cmd_06(void)
{
	static const u8 attrs[NR_ORDERED] = { 0, 2, 0, 1 };
	static const bool see_old[NR_ORDERED] = { true, false, false, true };
	struct srpi_chan *ch = shared();
	static struct tasks tasks;
	struct srpi_iu iu;
	u32 i;

	sent("held: SIMPLE READ, ORDERED WRITE, SIMPLE READ, HEAD OF QUEUE READ of one block");
	settle_held(ch);
	lun = conf.held_lun;
	fill_pattern(0, BLOCK, 1);
	fill_pattern(BLOCK, BLOCK, 2);
	write_blocks(ch, 5, 1, 0);
	hook("hold");
	tasks.nr = tasks.left = 0;
	for (i = 0; i < NR_ORDERED; i++) {
		if (attrs[i] == 2)
			build_out(&iu, AS_CDB(CDB_WRITE(5, 1)), BLOCK, BLOCK);
		else
			build_in(&iu, AS_CDB(CDB_READ(5, 1)), (2 + i) * BLOCK, BLOCK);
		srpi_as_cmd(&iu)->task_attr = attrs[i];
		task_send(&tasks, ch, &iu);
		/* Also until the data of the WRITE is there: some count it as a task from then on only. */
		expect_silence(ch, 100);
	}
	hook("release");
	tasks_good(&tasks, ch);
	for (i = 0; i < NR_ORDERED; i++)
		if (attrs[i] != 2)
			expect_pattern((2 + i) * BLOCK, BLOCK, see_old[i] ? 1 : 2);
	saw("SAM order");
	expect_conserved(ch);
}

struct attr {
	u8	value;
	u32	allowed;
};

static void with_attr(const void *arg)
{
	const struct attr *attr = arg;
	struct srpi_chan *ch = shared();
	const u64 seed = next_random();
	struct srpi_iu iu;
	u32 outcome;

	build_tur(&iu);
	srpi_as_cmd(&iu)->task_attr = attr->value;
	probe(ch, &iu, attr->allowed, NULL);

	mark_blocks(shared(), 6, 1, ~seed);
	memset(data, CANARY, 65536);
	fill_pattern(0, BLOCK, seed);
	build_out(&iu, AS_CDB(CDB_WRITE(6, 1)), 0, BLOCK);
	srpi_as_cmd(&iu)->task_attr = attr->value;
	outcome = probe(shared(), &iu, attr->allowed, NULL);
	expect_blocks(shared(), 6, 1, outcome == GOOD ? seed : ~seed);

	mark_blocks(shared(), 6, 1, seed);
	build_in(&iu, AS_CDB(CDB_READ(6, 1)), 4096, BLOCK);
	srpi_as_cmd(&iu)->task_attr = attr->value;
	if (probe(shared(), &iu, attr->allowed, NULL) == GOOD)
		expect_pattern(4096, BLOCK, seed);
	else
		expect_canary(4096, BLOCK);
	expect_canary(4096 + BLOCK, 4096);
}

static void attr_rows(const struct attr *attrs, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		row(with_attr, &attrs[i], "byte 29 is %02x", attrs[i].value);
}

/* Nobody has to support ACA. */
static void cmd_06b(void)
{
	static const struct attr attrs[] = {
		{ 0, GOOD }, { 1, GOOD }, { 2, GOOD }, { 4, GOOD | FIELD | BAD_CDB | CHECK | STATUS },
	};

	attr_rows(attrs, ARRAY_SIZE(attrs));
}

static void cmd_07(void)
{
	static const struct attr attrs[] = {
		{ 3, FIELD | GOOD }, { 5, FIELD | GOOD }, { 6, FIELD | GOOD }, { 7, FIELD | GOOD },
		{ 0x08, FIELD | GOOD }, { 0x80, FIELD | GOOD }, { 0xf8, FIELD | GOOD }, { 0x81, FIELD | GOOD },
		{ 0xfa, FIELD | GOOD }, { 0xff, FIELD | GOOD },
	};

	attr_rows(attrs, ARRAY_SIZE(attrs));
}

struct beyond_end {
	bool	write;
	u32	behind;		/* the last block */
	u32	nr;
};

static u32 last_lba(struct srpi_chan *ch)
{
	struct srpi_iu iu;
	__be32 be;

	build_in(&iu, AS_CDB({ { 0x25 } }), 0, 8);
	do_good(ch, &iu);
	memcpy(&be, data, sizeof(be));
	return be32toh(be);
}

static void beyond_the_end(const void *arg)
{
	const struct beyond_end *b = arg;
	struct srpi_chan *ch = shared();
	u32 lba = last_lba(ch) + b->behind;
	struct srpi_rsp r;
	struct srpi_iu iu;

	if (b->behind == ~0u)
		lba = ~0u;
	memset(data, CANARY, 65536);
	if (b->write)
		build_out(&iu, AS_CDB(CDB_WRITE(lba, b->nr)), 4096, b->nr * BLOCK);
	else
		build_in(&iu, AS_CDB(CDB_READ(lba, b->nr)), 4096, b->nr * BLOCK);
	probe(ch, &iu, CHECK, &r);
	if (srpi_sense(&r) != 0x052100 || r.code >= 0)
		fail("sense %06x, response code %d", srpi_sense(&r), r.code);
	expect_canary(0, 65536);
}

static void cmd_08(void)
{
	static const struct beyond_end rows[] = {
		{ false, 1, 1 }, { false, 0, 2 }, { false, ~0u, 1 }, { true, 1, 1 }, { true, 0, 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(beyond_the_end, &rows[i], "%s of %u from %s on", rows[i].write ? "WRITE" : "READ", rows[i].nr,
		    rows[i].behind == ~0u ? "ffffffff" : rows[i].behind ? "the end" : "the last block");
}

const struct conf_case cmd_cases[] = {
	{ "CMD-01", "no data", "GOOD, 36 bytes, no residuals", cmd_01 },
	{ "CMD-02", "data-in, direct", "GOOD, data exact", cmd_02 },
	{ "CMD-03", "data-out, direct", "GOOD, data exact", cmd_03 },
	{ "CMD-04", "reserved bytes", "ignored", cmd_04 },
	{ "CMD-05", "solicited notification that was not agreed", "GOOD; SOLNT of the response is 0", cmd_05 },
	{ "CMD-06", "task attributes: order", "SAM order", cmd_06, NEEDS_HOLD },
	{ "CMD-06b", "task attributes 0, 1, 2, 4", "GOOD; ACA may be refused", cmd_06b },
	{ "CMD-07", "reserved task attributes", "05/0E/03, or masked", cmd_07 },
	{ "CMD-08", "CHECK CONDITION", "05/21/00, no RSP_CODE", cmd_08 },
	{ .id = NULL }
};
