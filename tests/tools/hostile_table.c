// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tests of descriptor tables that the target has to fetch. */
#include <stdio.h>
#include <string.h>

#include "hostile.h"

#define TABLE_AT	(512 << 10)	/* of the data: where the tables are */
#define MAX_ENTRIES	4096

struct table {
	const char	*name;
	u32		nr;		/* entries */
	u32		in_iu;		/* of them */
	u32		entry_len;
	u32		total;		/* what the IU says; 0: the sum */
	u32		table_len;	/* what the IU says; 0: all of it */
	u32		bad_key;	/* of the table's memory */
	enum { GOOD, FIELD, CLOSED } end;
};

static const struct table tables[] = {
	{ .name = "1 entry", .nr = 1, .entry_len = 4096 },
	{ .name = "2 entries", .nr = 2, .entry_len = 2048 },
	{ .name = "300 entries", .nr = 300, .entry_len = 512 },
	{ .name = "4096 entries", .nr = 4096, .entry_len = 64 },
	{ .name = "2 entries, 1 of them in the IU", .nr = 2, .in_iu = 1, .entry_len = 512 },
	{ .name = "128 entries, 7 of them in the IU", .nr = 128, .in_iu = 7, .entry_len = 1024 },
	{ .name = "4096 entries, 12 of them in the IU", .nr = 4096, .in_iu = 12, .entry_len = 16 },
	{ .name = "all of it in the IU too, its key bad", .nr = 12, .in_iu = 12, .entry_len = 512, .bad_key = 1 },
	{ .name = "total above the sum", .nr = 4, .entry_len = 1024, .total = 4097, .end = FIELD },
	{ .name = "total below the sum", .nr = 4, .entry_len = 1024, .total = 1024, .end = FIELD },
	{ .name = "sum of 2^32", .nr = 4, .entry_len = 0x40000000, .total = 4096, .end = FIELD },
	{ .name = "4097 entries", .nr = 1, .entry_len = 4096, .table_len = 65552, .end = FIELD },
	{ .name = "its key bad", .nr = 4, .entry_len = 1024, .bad_key = 1, .end = CLOSED },
};

/* The table is in the data too; what the entries say is in front of it. */
static void build_table(struct iu *iu, const struct table *t, struct cdb cdb, bool out, u32 at)
{
	struct srp_wire_desc *list = (void *)(data + TABLE_AT);
	struct srp_wire_cmd *w = begin_cmd(iu, cdb, out ? 0x20 : 0x02);
	struct srp_wire_desc *desc;
	u32 i;

	for (i = 0; i < t->nr; i++)
		list[i] = (struct srp_wire_desc) {
			.va = htobe64((uintptr_t)data + at + (u64)i * t->entry_len),
			.key = htobe32(data_mr->rkey),
			.len = htobe32(t->entry_len),
		};
	*(out ? &w->data_out_desc_cnt : &w->data_in_desc_cnt) = t->in_iu;
	desc = (void *)(iu->b + iu->len);
	append_desc(iu, TABLE_AT, t->table_len ? t->table_len : t->nr * sizeof(*list));
	desc->key ^= htobe32(t->bad_key << 31);
	append_be32(iu, t->total ? t->total : t->nr * t->entry_len);
	append(iu, list, t->in_iu * sizeof(*list));
}

static void expect_end(struct chan *ch, const struct table *t, const struct iu *iu)
{
	struct rsp r;

	if (t->end == CLOSED) {
		send_iu(ch, iu);
		expect_closed(ch, ANY_LOGOUT);
		return;
	}
	ask(ch, iu, &r);
	if (t->end == FIELD)
		expect_sense(&r, 0x050e03);
	else
		expect_good(&r);
}

/* Written through a table, read back without, and the other way round. */
static void run_table(const void *arg)
{
	const struct table *t = arg;
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	u32 len = t->end == GOOD ? t->nr * t->entry_len : 4096;
	struct cdb write = { CDB_WRITE(0, 0) }, read = { CDB_READ(0, 0) };
	struct iu iu;

	printf("%s\n", t->name);
	write.b[7] = read.b[7] = len / BLOCK >> 8;
	write.b[8] = read.b[8] = len / BLOCK;
	fill_pattern(0, len, t->nr);
	build_table(&iu, t, write, true, 0);
	expect_end(ch, t, &iu);
	if (t->end == CLOSED)
		ch = login_settled(SRP_LOGIN_MC_SINGLE);
	if (t->end == GOOD) {
		build_in(&iu, read, len, len);
		do_good(ch, &iu);
		if (memcmp(data, data + len, len))
			fail("wrong data behind a write");
		memset(data + len, 0, len);
	}
	build_table(&iu, t, read, false, len);
	expect_end(ch, t, &iu);
	if (t->end == CLOSED)
		return;
	if (t->end == GOOD && memcmp(data, data + len, len))
		fail("wrong data behind a read");
	tur(ch);
	expect_conserved(ch);
}

/* What is sent behind such a command is handled behind it: many of them, and others between. */
static void run_order(const void *arg)
{
	static const struct table t = { .nr = 64, .entry_len = 64 };
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	const struct srp_wire_rsp *w;
	struct iu iu;
	struct rsp r;
	int i;

	(void)arg;
	printf("many tables at once\n");
	for (i = 0; i < ch->limit; i++) {
		if (i % 2)
			build_table(&iu, &t, (struct cdb){ CDB_READ(0, 8) }, false, 0);
		else
			build_tur(&iu);
		send_iu(ch, &iu);
	}
	for (i = 0; i < ch->limit; i++) {
		if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP)
			fail("%d of %d are answered", i, ch->limit);
		check_rsp(ch, &r);
		w = as_rsp(&r);
		if (w->status)
			fail("status %02x", w->status);
	}
	expect_conserved(ch);

	printf("ends while a table is fetched\n");
	for (i = 0; i < ch->limit; i++) {
		build_table(&iu, &t, (struct cdb){ CDB_READ(0, 8) }, false, 0);
		send_iu(ch, &iu);
	}
	close_chan(ch);
	tur(login_settled(SRP_LOGIN_MC_SINGLE));
}

bool test_tables(char **args)
{
	bool good = true;
	unsigned int i;

	(void)args;
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		good &= attempt(run_table, &tables[i]);
	return attempt(run_order, NULL) && good;
}
