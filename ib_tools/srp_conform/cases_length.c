// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of data length against the CDB (RES). B: bytes of the buffer; T: bytes that the command would transfer. */
#include <string.h>

#include "conform.h"

#define BLOCKS		16		/* of the medium that are known, from LBA 0 on */
#define AT		(256u << 10)	/* of the data: the buffer that is tested */
#define BACK		(1u << 20)	/* and what is read back */
#define ANY_CHECK	(FIELD | BAD_CDB | BAD_OPCODE | CHECK)

static u64 seed;

/* A medium that is known, in the beginning of the data too; behind that nothing may be written. */
static void prepare(struct srpi_chan *ch)
{
	lay_canary();
	fill_pattern(0, BLOCKS * BLOCK, ++seed);
	write_blocks(ch, 0, BLOCKS, 0);
}

/* Of the medium only the first bytes may have changed: into what was in the buffer, if @must. */
static void expect_medium(struct srpi_chan *ch, u32 changed, bool must)
{
	read_blocks(ch, 0, BLOCKS, BACK);
	if (must || memcmp(data + BACK, data, changed))
		expect_same(BACK, AT, changed);
	expect_same(BACK + changed, changed, BLOCKS * BLOCK - changed);
}

/* ---- RES-01, 02, 04 to 07, 12, 13: B against T ----------------------------------------------------- */

struct length {
	const char	*name;
	struct cdb	cdb;
	bool		out;
	u32		t, b;
	u32		entries;	/* of a table; 0: direct */
};

static void build_length(struct srpi_iu *iu, const struct length *l)
{
	if (!l->b)
		begin_cmd(iu, l->cdb, 0);
	else if (l->entries)
		build_table(iu, l->cdb, l->out ? SRPI_OUT : SRPI_IN, AT, l->entries, l->b / l->entries);
	else if (l->out)
		build_out(iu, l->cdb, AT, l->b);
	else
		build_in(iu, l->cdb, AT, l->b);
}

/* Which answers there may be. */
static u32 outcomes(const struct length *l)
{
	if (l->b >= l->t)
		return GOOD;
	if (!l->out || !l->b)
		return GOOD | ANY_CHECK;
	return ANY_CHECK;
}

static void one_length(const void *arg)
{
	static const u8 flags[2][2] = { { SRP_RSP_DIOVER, SRP_RSP_DIUNDER }, { SRP_RSP_DOOVER, SRP_RSP_DOUNDER } };
	const struct length *l = arg;
	u32 moves = l->t < l->b ? l->t : l->b, outcome;
	struct srpi_chan *ch = shared();
	struct srpi_rsp r;
	struct srpi_iu iu;

	prepare(ch);
	if (l->out)
		fill_pattern(AT, l->b, seed + 100);
	build_length(&iu, l);
	outcome = provoke(ch, &iu, outcomes(l), &r);
	/* What is only tolerated may leave out the residual, and the data. */
	if (outcome == GOOD || (l->out && l->b))
		expect_residual(&r, l->b == l->t ? 0 : flags[l->out][l->b > l->t], l->b > l->t ? l->b - l->t : l->t - l->b);
	if (l->out) {
		expect_medium(ch, moves, outcome == GOOD);
	} else {
		if (outcome == GOOD && l->cdb.b[0] == 0x28)
			expect_same(AT, 0, moves);
		expect_canary(AT + moves, 128 << 10);
		expect_medium(ch, 0, true);
	}
	expect_canary(AT - 4096, 4096);
	expect_conserved(ch);
}

static void lengths(const struct length *l, unsigned int nr)
{
	for (; nr--; l++)
		row(one_length, l, "%s, T = %u, B = %u%s", l->name, l->t, l->b, l->entries ? " in a table" : "");
}

#define R(t, ...)	{ "READ", CDB_READ(0, (t) / BLOCK), false, t, __VA_ARGS__ }
#define W(t, ...)	{ "WRITE", CDB_WRITE(0, (t) / BLOCK), true, t, __VA_ARGS__ }
#define I(t, ...)	{ "INQUIRY", CDB_INQUIRY(t), false, t, __VA_ARGS__ }

static void res_01(void)
{
	static const struct length l[] = { R(4096, 4096), W(4096, 4096), R(4096, 4096, 8), W(4096, 4096, 8), I(36, 36) };

	lengths(l, ARRAY_SIZE(l));
}

static void res_02(void)
{
	static const struct length l[] = {
		R(512, 65536), R(512, 65536, 16), R(512, 513), R(4096, 4608), I(36, 4096), I(36, 4096, 4), I(5, 512),
	};

	lengths(l, ARRAY_SIZE(l));
}

static void res_04(void)
{
	static const struct length l[] = {
		R(4096, 512), R(4096, 513), R(4096, 1), R(4096, 4095), R(4096, 1024, 4), R(8192, 4096), I(36, 35),
	};

	lengths(l, ARRAY_SIZE(l));
}

static void res_05(void)
{
	static const struct length l[] = { W(512, 4096), W(512, 4096, 8), W(512, 513), W(4096, 8192), W(512, 65536) };

	lengths(l, ARRAY_SIZE(l));
}

static void res_06(void)
{
	static const struct length l[] = { W(4096, 512), W(4096, 513), W(4096, 1), W(4096, 4095), W(4096, 1024, 4) };

	lengths(l, ARRAY_SIZE(l));
}

static void res_07(void)
{
	static const struct length l[] = { R(4096, 0), W(4096, 0), R(512, 0), W(512, 0), I(36, 0) };

	lengths(l, ARRAY_SIZE(l));
}

static void res_12(void)
{
	static const u32 sizes[] = { 0, 1, 511, 512, 513, 1024, 4095, 4096, 4097, 65536 };
	struct length l[] = { R(512), W(512), R(4096), W(4096), I(36), R(0), W(0) };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(l); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			l[i].b = sizes[j];
			lengths(&l[i], 1);
		}
	}
}

static void res_13(void)
{
	static const struct length l[] = { R(0, 512), W(0, 512), R(0, 4096, 8), R(0, 0), W(0, 0) };

	lengths(l, ARRAY_SIZE(l));
}

/* ---- RES-03: answers that are shorter than they may be ---------------------------------------------- */

#define SHORT		255
#define CDB_ALLOC6(op, page)	{ { op, 0, page, 0, SHORT } }

struct answer {
	const char	*name;
	struct cdb	cdb;
	u8		at, bytes;	/* the length that the data tells is there */
	u8		add;		/* which leaves out so many bytes */
};

static void one_answer(const void *arg)
{
	const struct answer *a = arg;
	struct srpi_chan *ch = shared();
	u32 len = 0, i, want;
	struct srpi_rsp r;
	struct srpi_iu iu;

	lay_canary();
	build_in(&iu, a->cdb, AT, SHORT);
	provoke(ch, &iu, GOOD, &r);
	for (i = 0; i < a->bytes; i++)
		len = len << 8 | data[AT + a->at + i];
	len += a->add;
	want = len < SHORT ? SHORT - len : 0;
	expect_residual(&r, want ? SRP_RSP_DIUNDER : 0, want);
	expect_canary(AT + SHORT - want, 4096);
	saw("%u of %u bytes", SHORT - want, SHORT);
}

static void res_03(void)
{
	static const struct answer a[] = {
		{ "INQUIRY", CDB_INQUIRY(SHORT), 4, 1, 5 },
		{ "INQUIRY, page 00h", { { 0x12, 1, 0, 0, SHORT } }, 2, 2, 4 },
		{ "INQUIRY, page 83h", { { 0x12, 1, 0x83, 0, SHORT } }, 2, 2, 4 },
		{ "MODE SENSE(6), all pages", CDB_ALLOC6(0x1a, 0x3f), 0, 1, 1 },
		{ "MODE SENSE(6), caching page", CDB_ALLOC6(0x1a, 0x08), 0, 1, 1 },
		{ "MODE SENSE(10), all pages", { { 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, SHORT } }, 0, 2, 2 },
		{ "REPORT LUNS", { { 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, SHORT } }, 0, 4, 8 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(a); i++)
		row(one_answer, &a[i], "%s, allocation length and B = %u", a[i].name, SHORT);
}

/* ---- RES-08 to RES-10: commands that have no buffer, or the other one ------------------------------- */

struct wrong {
	const char	*name;
	struct cdb	cdb;
	bool		out;
	bool		table;
	bool		bad_key;	/* whoever touches the buffer loses the connection */
	u32		len;
};

static void build_wrong(struct srpi_iu *iu, const struct wrong *w)
{
	enum srpi_dir dir = w->out ? SRPI_OUT : SRPI_IN;
	struct srp_wire_desc desc = srpi_desc(&data_mem, AT, w->len);

	if (w->bad_key)
		desc.key ^= htobe32(1u << 31);
	begin_cmd(iu, w->cdb, 0);
	if (w->table)
		srpi_indirect(iu, dir, srpi_desc(&data_mem, BACK, sizeof(desc)), &desc, 1, w->len);
	else
		srpi_direct(iu, dir, desc);
}

static void one_unused(const void *arg)
{
	const struct wrong *w = arg;
	struct srpi_chan *ch = shared();
	struct srpi_rsp r;
	struct srpi_iu iu;

	lay_canary();
	build_wrong(&iu, w);
	provoke(ch, &iu, GOOD, &r);
	expect_residual(&r, w->out ? SRP_RSP_DOUNDER : SRP_RSP_DIUNDER, w->len);
	expect_canary(0, BACK);
	tur(ch);
	expect_conserved(ch);
}

static void each_key(void (*fn)(const void *arg), struct wrong *w, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < 2 * nr; i++) {
		struct wrong *one = &w[i / 2];

		one->bad_key = i % 2;
		row(fn, one, "%s with a data-%s %s of %u bytes%s", one->name, one->out ? "out" : "in",
		    one->table ? "table" : "buffer", one->len, one->bad_key ? ", bad key" : "");
	}
}

static void res_08(void)
{
	struct wrong w[] = {
		{ "TEST UNIT READY", CDB_TUR, .out = false, .len = 512 },
		{ "TEST UNIT READY", CDB_TUR, .out = true, .len = 512 },
		{ "TEST UNIT READY", CDB_TUR, .out = false, .table = true, .len = 65536 },
		{ "TEST UNIT READY", CDB_TUR, .out = true, .table = true, .len = 65536 },
		{ "SYNCHRONIZE CACHE", { { 0x35 } }, .out = false, .len = 512 },
		{ "SYNCHRONIZE CACHE", { { 0x35 } }, .out = true, .len = 512 },
	};

	each_key(one_unused, w, ARRAY_SIZE(w));
}

/* Nothing is executed and nothing is moved. */
static void refused_on(struct srpi_chan *ch, const struct wrong *w, u32 allowed)
{
	struct srpi_iu iu;

	build_wrong(&iu, w);
	provoke(ch, &iu, allowed, NULL);
	if (!w->out)
		expect_canary(AT - 4096, 65536);
}

static void one_wrong(const void *arg)
{
	const struct wrong *w = arg;
	struct srpi_chan *ch = shared();

	prepare(ch);
	if (w->out)
		fill_pattern(AT, w->len, seed + 100);
	refused_on(ch, w, FIELD);
	expect_medium(ch, 0, true);
	expect_conserved(ch);
}

static void res_09(void)
{
	struct wrong w[] = {
		{ "READ(10)", CDB_READ(0, 1), .out = true, .len = 512 },
		{ "READ(10)", CDB_READ(0, 1), .out = true, .table = true, .len = 512 },
		{ "READ(6)", { { 0x08, 0, 0, 0, 1 } }, .out = true, .len = 512 },
		{ "READ(16)", { { 0x88, [13] = 8 } }, .out = true, .len = 4096 },
		{ "INQUIRY", CDB_INQUIRY(36), .out = true, .len = 512 },
		{ "MODE SENSE(6)", CDB_ALLOC6(0x1a, 0x3f), .out = true, .len = 255 },
	};

	each_key(one_wrong, w, ARRAY_SIZE(w));
}

static void reserved_by_other(const void *arg)
{
	static const struct wrong w = { .cdb = CDB_READ(0, 1), .out = true, .len = 512 };
	struct srpi_chan *ch = shared(), *holder;
	struct srpi_rsp r;
	struct srpi_iu iu;

	(void)arg;
	prepare(ch);
	fill_pattern(AT, w.len, seed + 100);
	holder = login_rival(NULL);
	begin_cmd(&iu, (struct cdb){ { 0x16 } }, 0);		/* RESERVE(6) */
	if (provoke(holder, &iu, GOOD | BAD_OPCODE, NULL) != GOOD)
		skip("the target has no RESERVE(6)");
	build_out(&iu, AS_CDB(CDB_WRITE(0, 1)), AT, 512);
	ask(ch, &iu, &r);
	if (r.status != 0x18)
		fail("WRITE to a reserved LUN: status %02x", r.status);
	refused_on(ch, &w, FIELD | STATUS);
	begin_cmd(&iu, (struct cdb){ { 0x17 } }, 0);		/* RELEASE(6) */
	do_good(holder, &iu);
	expect_medium(ch, 0, true);
}

static void res_09b(void)
{
	row(reserved_by_other, NULL, "READ(10) with data-out, the LUN reserved by another initiator");
}

static void write_protected(const void *arg)
{
	struct srpi_chan *ch;

	lun = conf.lun;
	ch = shared();
	prepare(ch);
	lun = conf.read_only_lun;
	settle(ch);
	read_blocks(ch, 0, BLOCKS, BACK);
	memcpy(data, data + BACK, BLOCKS * BLOCK);
	refused_on(ch, arg, FIELD | CHECK);
	expect_medium(ch, 0, true);
	lun = conf.lun;
}

static void res_09c(void)
{
	struct wrong w[] = {
		{ "READ(10)", CDB_READ(0, 1), .out = true, .len = 512 },
		{ "WRITE(10)", CDB_WRITE(0, 1), .out = false, .len = 512 },
	};

	sent("to a LUN that is write-protected");
	each_key(write_protected, w, ARRAY_SIZE(w));
}

static void imm_with_read(const void *arg)
{
	struct srpi_chan *ch = shared_imm();
	struct srpi_iu iu;

	prepare(ch);
	fill_pattern(AT, BLOCK, seed + 100);
	begin_cmd(&iu, *(const struct cdb *)arg, 0);
	srpi_immediate(&iu, SRPI_IMM_OFF, data + AT, BLOCK);
	provoke(ch, &iu, FIELD, NULL);
	expect_medium(ch, 0, true);
	expect_conserved(ch);
}

static void res_09d(void)
{
	row(imm_with_read, &AS_CDB(CDB_READ(0, 1)), "READ(10) with 512 bytes of immediate data");
	row(imm_with_read, &AS_CDB(CDB_INQUIRY(36)), "INQUIRY with 512 bytes of immediate data");
}

static void res_10(void)
{
	struct wrong w[] = {
		{ "WRITE(10)", CDB_WRITE(0, 1), .out = false, .len = 512 },
		{ "WRITE(10)", CDB_WRITE(0, 1), .out = false, .table = true, .len = 512 },
		{ "WRITE(6)", { { 0x0a, 0, 0, 0, 1 } }, .out = false, .len = 512 },
		{ "WRITE(16)", { { 0x8a, [13] = 8 } }, .out = false, .len = 4096 },
		{ "WRITE SAME(10)", { { 0x41, 0, 0, 0, 0, 0, 0, 0, 4 } }, .out = false, .len = 512 },
		{ "MODE SELECT(6)", { { 0x15, 0x10, 0, 0, 24 } }, .out = false, .len = 24 },
	};

	each_key(one_wrong, w, ARRAY_SIZE(w));
}

/* ---- RES-11: a read that fails ---------------------------------------------------------------------- */

#define PAST		4	/* blocks beyond the end */

static u32 last_lba(struct srpi_chan *ch)
{
	struct srpi_iu iu;
	__be32 last;

	build_in(&iu, (struct cdb){ { 0x25 } }, BACK, 8);
	do_good(ch, &iu);
	memcpy(&last, data + BACK, sizeof(last));
	if (last == 0xffffffff)
		skip("the LUN is too large for READ(10)");
	return be32toh(last);
}

/* Blocks up to the end, and beyond it; what the residual does not say is there has come. */
static void past_the_end(const void *arg)
{
	const u32 *blocks = arg, in = blocks[0], all = in + PAST, b = blocks[1];
	u32 want = all * BLOCK < b ? all * BLOCK : b, sent_len;
	struct srpi_chan *ch = shared();
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 first;

	lay_canary();
	first = last_lba(ch) + 1 - in;
	fill_pattern(0, all * BLOCK, ++seed);
	if (in)
		write_blocks(ch, first, in, 0);
	build_in(&iu, AS_CDB(CDB_READ(first, all)), AT, b);
	provoke(ch, &iu, ANY_CHECK, &r);
	if ((r.flags & 0x3c) & ~(SRP_RSP_DIUNDER | SRP_RSP_DIOVER) || r.in_res > b)
		fail("flags %02x, residual %u", r.flags, r.in_res);
	sent_len = r.flags & SRP_RSP_DIUNDER ? b - r.in_res : want;
	saw("%u of %u bytes sent", sent_len, want);
	if (sent_len > in * BLOCK)
		fail("%u bytes were sent, but the medium has %u", sent_len, in * BLOCK);
	expect_same(AT, 0, sent_len);
	expect_canary(AT + sent_len, 65536);
	expect_conserved(ch);
}

static void res_11(void)
{
	static const u32 rows[][2] = { { 4, 8 * BLOCK }, { 0, 4 * BLOCK }, { 1, 65536 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(past_the_end, rows[i], "READ of %u blocks up to the end and %u beyond it, B = %u", rows[i][0], PAST, rows[i][1]);
}

/* ---- RES-14: small allocation lengths --------------------------------------------------------------- */

#define FULL		64

struct alloc {
	const char	*name;
	struct cdb	cdb;
	u8		at;	/* the last byte of the allocation length */
	u32		b;	/* 0: as long as the allocation length */
};

/* Returns how many bytes came, or 0 if the target did not like it. */
static u32 ask_alloc(struct srpi_chan *ch, const struct alloc *a, u8 len, u32 b, u32 off)
{
	struct cdb cdb = a->cdb;
	struct srpi_rsp r;
	struct srpi_iu iu;

	cdb.b[a->at] = len;
	if (b)
		build_in(&iu, cdb, off, b);
	else
		begin_cmd(&iu, cdb, 0);
	if (provoke(ch, &iu, GOOD | ANY_CHECK, &r) != GOOD)
		return 0;
	if (r.flags & 0x3c & ~SRP_RSP_DIUNDER || b - r.in_res > len)
		fail("allocation length %u: flags %02x, residual %u of %u bytes", len, r.flags, r.in_res, b);
	return b - r.in_res;
}

static void one_alloc(const void *arg)
{
	const struct alloc *a = arg;
	struct srpi_chan *ch = shared();
	u32 full, came, i;

	lay_canary();
	full = ask_alloc(ch, a, FULL, FULL, BACK);
	for (i = 0; i <= 8; i++) {
		memset(data + AT, CANARY, 4096);
		came = ask_alloc(ch, a, i, a->b ? a->b : i, AT);
		expect_canary(AT + came, 4096 - came);
		if (full && came)
			expect_same(AT, BACK, came < full ? came : full);
		/* Whoever takes the length has to use it. */
		if (full && came && came < i && came < full)
			fail("allocation length %u: only %u bytes", i, came);
	}
	expect_canary(AT - 4096, 4096);
	expect_conserved(ch);
}

static void res_14(void)
{
	struct alloc a[] = {
		{ "PERSISTENT RESERVE IN, READ KEYS", { { 0x5e, 0 } }, 8 },
		{ "PERSISTENT RESERVE IN, READ RESERVATION", { { 0x5e, 1 } }, 8 },
		{ "PERSISTENT RESERVE IN, REPORT CAPABILITIES", { { 0x5e, 2 } }, 8 },
		{ "PERSISTENT RESERVE IN, READ FULL STATUS", { { 0x5e, 3 } }, 8 },
		{ "REPORT LUNS", { { 0xa0 } }, 9 },
		{ "RECEIVE DIAGNOSTIC RESULTS", { { 0x1c } }, 4 },
		{ "INQUIRY", { { 0x12 } }, 4 },
		{ "INQUIRY, page 83h", { { 0x12, 1, 0x83 } }, 4 },
		{ "MODE SENSE(6)", { { 0x1a, 0, 0x3f } }, 4 },
		{ "MODE SENSE(10)", { { 0x5a, 0, 0x3f } }, 8 },
		{ "REQUEST SENSE", { { 0x03 } }, 4 },
		{ "READ CAPACITY(16)", { { 0x9e, 0x10 } }, 13 },
	};
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(a); i++) {
		a[i / 2].b = i % 2 ? FULL : 0;
		row(one_alloc, &a[i / 2], "%s, allocation lengths 0 to 8, B = %s", a[i / 2].name, i % 2 ? "64" : "the same");
	}
}

const struct conf_case length_cases[] = {
	{ "RES-01", "B = T", "GOOD, no residual, data exact", res_01 },
	{ "RES-02", "data-in, B > T", "GOOD, DIUNDER B - T, nothing written beyond T", res_02 },
	{ "RES-03", "data-in, the device has less than is asked for", "DIUNDER B - returned", res_03 },
	{ "RES-04", "data-in, B < T", "B bytes are right, DIOVER T - B, GOOD (CHECK CONDITION is tolerated)", res_04 },
	{ "RES-05", "data-out, B > T", "GOOD, DOUNDER B - T, T bytes are written", res_05 },
	{ "RES-06", "data-out, B < T", "CHECK CONDITION, DOOVER T - B, nothing written beyond B", res_06 },
	{ "RES-07", "data CDB without a buffer", "CHECK CONDITION, or GOOD with an overflow of T; nothing written", res_07 },
	{ "RES-08", "non-data CDB with a buffer", "GOOD, underflow of B, no RDMA", res_08 },
	{ "RES-09", "read CDB with data-out", "FIELD, medium unchanged, no RDMA READ", res_09 },
	{ "RES-09b", "read CDB with data-out, LUN reserved", "FIELD or RESERVATION CONFLICT, medium unchanged", res_09b },
	{ "RES-09c", "data against the CDB, write-protected LUN", "FIELD or CHECK CONDITION, medium unchanged", res_09c,
	  NEEDS_READONLY },
	{ "RES-09d", "read CDB with immediate data", "FIELD, medium unchanged", res_09d },
	{ "RES-10", "write CDB with data-in", "FIELD, medium unchanged, nothing returned", res_10 },
	{ "RES-11", "residual with CHECK CONDITION", "tells how much was really sent", res_11 },
	{ "RES-12", "over and under", "never both, what is not used is 0: all sizes against all commands", res_12 },
	{ "RES-13", "T = 0", "GOOD, underflow of B", res_13 },
	{ "RES-14", "small allocation lengths", "the answer is cut there, or refused; no overrun", res_14 },
	{ .id = NULL }
};
