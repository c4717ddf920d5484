// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Reads and writes whose buffers are described in unusual ways. */
#include <string.h>

#include "transfer.h"

#define GAP		64	/* between entries */
#define MAX_ENTRIES	4100

struct seg segs[MAX_ENTRIES];
u32 nr_segs;
u8 image[AREA];		/* what the memory has to be */

u64 lay_segs(const struct table *t)
{
	u32 i, off = 0, len;
	u64 sum = 0;

	nr_segs = t->nr;
	for (i = 0; i < t->nr; i++) {
		len = t->each ? t->each : 1 + below(1000);
		if (!t->each && i == t->nr - 1u)
			len = BLOCK - sum % BLOCK;
		segs[i] = t->segs ? t->segs[i] : (struct seg){ off, len };
		if (i < 32 && t->zeros & 1u << i)
			segs[i].len = 0;
		sum += segs[i].len;
		if (len <= 65536)
			off += len + GAP;
	}
	return sum;
}

/* The stream, or what of it is moved, as it lies in the segments. */
static void scatter(u8 *to, u32 len)
{
	u32 i, n, pos = 0;

	for (i = 0; i < nr_segs && pos < len; i++) {
		n = segs[i].len < len - pos ? segs[i].len : len - pos;
		if (segs[i].off + n <= AREA)
			memcpy(to + segs[i].off, data + STREAM_AT + pos, n);
		pos += n;
	}
}

/* The list of the segments, also in memory. */
static const struct srp_wire_desc *make_list(void)
{
	static struct srp_wire_desc list[MAX_ENTRIES];
	u32 i;

	for (i = 0; i < nr_segs; i++) {
		list[i] = srpi_desc(&data_mem, segs[i].off, segs[i].len);
		/* Without bytes neither matters. */
		if (!segs[i].len && i % 2)
			list[i] = (struct srp_wire_desc){ .key = htobe32(0x12345678) };
	}
	memcpy(data + TABLE_AT, list, nr_segs * sizeof(*list));
	return list;
}

void build_buffer(struct srpi_iu *iu, const struct table *t, enum srpi_dir dir, u32 blocks, u32 total)
{
	const struct srp_wire_desc *list = make_list();
	struct srp_wire_desc table = srpi_desc(&data_mem, TABLE_AT, t->table_len ? t->table_len : t->nr * sizeof(*list));

	if (t->bad_key)
		table.key ^= htobe32(1u << 31);
	begin_cmd(iu, dir == SRPI_OUT ? AS_CDB(CDB_WRITE(0, blocks)) : AS_CDB(CDB_READ(0, blocks)), 0);
	if (t->direct)
		srpi_direct(iu, dir, srpi_desc(&data_mem, segs[0].off, total));
	else
		srpi_indirect(iu, dir, table, list, t->in_iu, total);
	if (t->change)
		t->change(iu);
}

void expect_image(void)
{
	u32 i;

	if (!memcmp(data, image, AREA))
		return;
	for (i = 0; data[i] == image[i]; i++)
		;
	fail("memory at offset %u is %02x instead of %02x", i, data[i], image[i]);
}

void expect_length(const struct srpi_rsp *r, enum srpi_dir dir, u32 total, u32 wanted)
{
	const u8 over = dir == SRPI_OUT ? SRP_RSP_DOOVER : SRP_RSP_DIOVER;
	const u8 under = dir == SRPI_OUT ? SRP_RSP_DOUNDER : SRP_RSP_DIUNDER;

	if (total < wanted)
		expect_residual(r, over, wanted - total);
	else
		expect_residual(r, total > wanted ? under : 0, total - wanted);
}

/* Of the medium the first bytes have, or may have, been written, and nothing behind them. */
static void expect_written(u32 blocks, u32 moved, bool must, u64 old)
{
	const u32 len = blocks * BLOCK;

	read_blocks(shared(), 0, blocks, BACK_AT);
	if (!must && memcmp(data + BACK_AT, data + STREAM_AT, moved))
		moved = 0;
	expect_same(BACK_AT, STREAM_AT, moved);
	fill_pattern(0, len, old);
	expect_same(BACK_AT + moved, moved, len - moved);
}

struct transfer {
	const struct table	*t;
	enum srpi_dir		dir;
};

static void run_transfer(const void *arg)
{
	const struct transfer *tr = arg;
	const struct table *t = tr->t;
	const u64 seed = next_random(), sum = lay_segs(t);
	const u32 total = t->total ? t->total : sum, blocks = t->blocks ? t->blocks : total / BLOCK ? total / BLOCK : 1;
	const u32 len = blocks * BLOCK, moved = total < len ? total : len;
	struct srpi_chan *ch = shared();
	struct srpi_rsp r = { .flags = 0 };
	struct srpi_iu iu;
	u32 i, outcome;
	bool partly;

	fill_pattern(STREAM_AT, len, seed);
	for (i = BLOCK; t->same && i < len; i += BLOCK)
		memcpy(data + STREAM_AT + i, data + STREAM_AT, BLOCK);
	if (tr->dir == SRPI_IN)
		write_blocks(ch, 0, blocks, STREAM_AT);
	else
		mark_blocks(ch, 0, blocks, ~seed);
	memset(data, CANARY, AREA);
	if (tr->dir == SRPI_OUT)
		scatter(data, moved);
	memcpy(image, data, AREA);
	build_buffer(&iu, t, tr->dir, blocks, total);
	outcome = probe(ch, &iu, t->allowed ? t->allowed : GOOD, &r);
	if (outcome == GOOD)
		expect_length(&r, tr->dir, total, len);
	/* As far as a buffer that is too small goes. */
	partly = outcome != GOOD && r.flags & (SRP_RSP_DIOVER | SRP_RSP_DOOVER);
	if (tr->dir == SRPI_IN && (outcome == GOOD || (partly && memcmp(data, image, AREA))))
		scatter(image, moved);
	expect_image();
	if (tr->dir == SRPI_OUT)
		expect_written(blocks, outcome == GOOD || partly ? moved : 0, outcome == GOOD, ~seed);
}

void transfers(const struct table *t, u32 nr)
{
	struct transfer tr;

	for (; nr--; t++) {
		for (tr = (struct transfer){ t, SRPI_OUT }; ; tr.dir = SRPI_IN) {
			if (t->only != (tr.dir == SRPI_OUT ? IN_ONLY : OUT_ONLY))
				row(run_transfer, &tr, "%s, %s", t->name, tr.dir == SRPI_OUT ? "out" : "in");
			if (tr.dir == SRPI_IN)
				break;
		}
	}
}
