// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of buffer descriptors (DSC). */
#include <string.h>

#include "transfer.h"

/* ---- DSC-01 to DSC-03: good ones, COUNT ------------------------------------------------------------ */

static void dsc_01(void)
{
	TRANSFERS(
		{ "1 entry", 1, 1 }, { "2 entries", 2, 2 }, { "12 entries", 12, 12 }, { "127 entries", 127, 127 },
		{ "128 entries", 128, 128 }, { "255 entries", 255, 255 }, { "16 equal entries", 16, 16, 4096 },
	);
}

static void set_counts(struct srpi_iu *iu, u8 out, u8 in)
{
	srpi_as_cmd(iu)->data_out_desc_cnt = out;
	srpi_as_cmd(iu)->data_in_desc_cnt = in;
}

static void counts_1(struct srpi_iu *iu)
{
	set_counts(iu, 1, 1);
}

static void counts_255(struct srpi_iu *iu)
{
	set_counts(iu, 255, 255);
}

static void imm_count(const void *arg)
{
	const u8 count = *(const u32 *)arg;
	struct srpi_chan *ch = shared_imm();
	const u64 seed = next_random();
	struct srpi_iu iu;

	fill_pattern(0, BLOCK, seed);
	begin_cmd(&iu, AS_CDB(CDB_WRITE(0, 1)), 0);
	srpi_immediate(&iu, SRPI_IMM_OFF, data, BLOCK);
	set_counts(&iu, count, count);
	probe(ch, &iu, GOOD, NULL);
	expect_blocks(ch, 0, 1, seed);
}

static void dsc_02(void)
{
	static const u32 counts[] = { 0, 1, 255 };
	unsigned int i;

	TRANSFERS(
		{ "direct, counts 0", 1, .each = 4096, .direct = true },
		{ "direct, counts 1", 1, .each = 4096, .direct = true, .change = counts_1 },
		{ "direct, counts 255", 1, .each = 4096, .direct = true, .change = counts_255 },
	);
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		row(imm_count, &counts[i], "immediate data, counts %u", counts[i]);
}

static void swap_counts(struct srpi_iu *iu)
{
	set_counts(iu, srpi_as_cmd(iu)->data_in_desc_cnt, srpi_as_cmd(iu)->data_out_desc_cnt);
}

/* Some in each. */
static void split_counts(struct srpi_iu *iu)
{
	const u8 sum = srpi_as_cmd(iu)->data_in_desc_cnt + srpi_as_cmd(iu)->data_out_desc_cnt;

	set_counts(iu, sum - sum / 3, sum / 3);
}

static void dsc_03(void)
{
	TRANSFERS(
		{ "1 entry", 1, 1, 512, .change = swap_counts },
		{ "12 entries", 12, 12, .change = swap_counts },
		{ "255 entries", 255, 255, .change = swap_counts },
		{ "12 entries, bad R_Key of the table", 12, 12, .change = swap_counts, .bad_key = true },
		{ "12 entries, counts 8 and 4", 12, 12, .change = split_counts, .bad_key = true },
	);
}

/* ---- DSC-04 to DSC-10: what is not there ----------------------------------------------------------- */

static u32 cut_at;

static void cut(struct srpi_iu *iu)
{
	iu->len = cut_at;
}

/* In every receive buffer is what is cut off afterwards: a command that moves no data needs none of it. */
static void leave_stale(const struct table *t)
{
	struct srpi_iu iu;

	lay_segs(t);
	build_buffer(&iu, t, SRPI_IN, 1, t->nr * t->each);
	memset(srpi_as_cmd(&iu)->cdb, 0, SRP_CDB_LEN);
	fill_receives(shared(), &iu);
}

static void cut_rows(struct table t, u32 end)
{
	char name[40];

	leave_stale(&t);
	t.change = cut;
	t.allowed = FIELD | KILL(SRP_LOGOUT_BAD_LEN);
	for (cut_at = 48; cut_at < end; cut_at++) {
		snprintf(name, sizeof(name), "%s, IU of %u bytes", t.name, cut_at);
		transfers(&(struct table){ name, t.nr, t.in_iu, t.each, .direct = t.direct, .change = cut,
			  .allowed = t.allowed }, 1);
	}
}

static void dsc_04(void)
{
	cut_rows((struct table){ "direct", 1, .each = 512, .direct = true }, 64);
}

static void dsc_05(void)
{
	cut_rows((struct table){ "table", 1, 1, 512 }, 68);
}

static void two_entries(struct srpi_iu *iu)
{
	iu->len = 48 + 20 + 2 * 16;
}

static void half_an_entry(struct srpi_iu *iu)
{
	iu->len -= 1;
}

static void dsc_06(void)
{
	leave_stale(&(struct table){ "", 255, 255, 512 });
	TRANSFERS(
		{ "COUNT 255, 2 there", 255, 255, 512, .change = two_entries, .allowed = FIELD | KILL(SRP_LOGOUT_BAD_LEN) },
		{ "COUNT 2, 31 bytes there", 2, 2, 512, .change = half_an_entry, .allowed = FIELD | KILL(SRP_LOGOUT_BAD_LEN) },
	);
}

static void dsc_07(void)
{
	TRANSFERS(
		{ "table of 1 byte, COUNT 0", 1, 0, 512, .table_len = 1, .allowed = FIELD },
		{ "1 byte, COUNT 1", 1, 1, 512, .table_len = 1, .allowed = FIELD },
		{ "15 bytes, COUNT 0", 1, 0, 512, .table_len = 15, .allowed = FIELD },
		{ "15 bytes, COUNT 1", 1, 1, 512, .table_len = 15, .allowed = FIELD },
		{ "17 bytes, COUNT 0", 1, 0, 512, .table_len = 17, .allowed = FIELD },
		{ "17 bytes, COUNT 1", 1, 1, 512, .table_len = 17, .allowed = FIELD },
		{ "ffffffff bytes, COUNT 0", 1, 0, 512, .table_len = 0xffffffff, .allowed = FIELD },
		{ "ffffffff bytes, COUNT 1", 1, 1, 512, .table_len = 0xffffffff, .allowed = FIELD },
	);
}

/* Where the length of the table wins, one entry remains. */
static void dsc_08(void)
{
	static const struct table rows[] = {
		{ "total of all", 4, 4, 512, .table_len = 16, .allowed = FIELD },
		{ "total of the first", 4, 4, 512, .table_len = 16, .total = 512, .allowed = FIELD | GOOD },
	};

	transfers(rows, ARRAY_SIZE(rows));
}

static void build_empty(struct srpi_iu *iu, struct cdb cdb, enum srpi_dir dir, u32 total)
{
	begin_cmd(iu, cdb, 0);
	srpi_indirect(iu, dir, srpi_desc(&data_mem, TABLE_AT, 0), NULL, 0, total);
}

static void empty_no_data(const void *arg)
{
	const struct cdb cdbs[] = { CDB_READ(0, 0), CDB_WRITE(0, 0), CDB_TUR, CDB_TUR };
	const u32 i = *(const u32 *)arg;
	struct srpi_iu iu;

	build_empty(&iu, cdbs[i], i % 2 ? SRPI_OUT : SRPI_IN, 0);
	probe_no_buffer(shared(), &iu, 0, 0);
}

static void dsc_09(void)
{
	static const char *const names[] = { "READ of 0 blocks", "WRITE of 0 blocks", "TEST UNIT READY, in", "and out" };
	u32 i;

	TRANSFERS({ "1 block, no table", 1, 0, 512, .table_len = SAYS_0, .total = SAYS_0, .blocks = 1, .allowed = TOO_SMALL });
	for (i = 0; i < ARRAY_SIZE(names); i++)
		row(empty_no_data, &i, "%s", names[i]);
}

static void dsc_10(void)
{
	TRANSFERS(
		{ "no table, total 512", 1, 0, 512, .table_len = SAYS_0, .allowed = FIELD },
		{ "no table, total 65536", 1, 0, 512, .table_len = SAYS_0, .total = 65536, .allowed = FIELD },
		{ "no table, total ffffffff, 1 block", 1, 0, 512, .table_len = SAYS_0, .total = 0xffffffff, .blocks = 1,
		  .allowed = FIELD },
	);
}

/* ---- DSC-11 to DSC-15: tables that have to be fetched ---------------------------------------------- */

#define MANY	100

/* What is sent behind such a command is not answered before it is found; all are, and nothing is lost. */
static void many_tables(const void *arg)
{
	static const struct table t = { "", 8, .each = 512 };
	struct srpi_chan *ch = shared();
	static struct tasks tasks;
	const bool close = *(const bool *)arg;
	struct srpi_iu iu;
	u32 i;

	tasks.nr = tasks.left = 0;
	lay_segs(&t);
	for (i = 0; i < MANY && srpi_credits(ch) > 0; i++) {
		if (i % 2 || close)
			build_buffer(&iu, &t, SRPI_IN, 8, 4096);
		else
			build_tur(&iu);
		task_send(&tasks, ch, &iu);
	}
	if (close) {
		close_chan(ch);
		tur(shared());
		return;
	}
	tasks_good(&tasks, ch);
	expect_conserved(ch);
}

static void dsc_11(void)
{
	const bool close[] = { false, true };

	TRANSFERS(
		{ "1 entry", 1, .each = 4096 }, { "2 entries", 2, .each = 2048 }, { "12 entries", 12 }, { "255 entries", 255 },
		{ "300 entries", 300, .each = 512 }, { "1000 entries", 1000, .only = IN_ONLY },
		{ "4096 entries", 4096, .each = 64, .only = OUT_ONLY },
	);
	row(many_tables, &close[0], "many tables at once");
	row(many_tables, &close[1], "the end of the channel while tables are fetched");
}

static void dsc_12(void)
{
	TRANSFERS(
		{ "2 entries, COUNT 1", 2, 1, 512 }, { "12 entries, COUNT 11", 12, 11 }, { "128 entries, COUNT 7", 128, 7, 1024 },
		{ "300 entries, COUNT 255", 300, 255 }, { "4096 entries, COUNT 12", 4096, 12, 16, .only = IN_ONLY },
	);
}

/* The memory descriptor of the table, or of a direct buffer. */
static struct srp_wire_desc *desc_of(struct srpi_iu *iu)
{
	return (struct srp_wire_desc *)(iu->b + 48);
}

static void other_address(struct srpi_iu *iu)
{
	desc_of(iu)->va = htobe64(be64toh(desc_of(iu)->va) + DATA_SIZE);
}

static void no_remote_read(struct srpi_iu *iu)
{
	struct srpi_mem *mem = own_mem(ini, 8192, IBV_ACCESS_LOCAL_WRITE);

	memcpy(mem->addr, data + TABLE_AT, 4096);
	*desc_of(iu) = srpi_desc(mem, 0, be32toh(desc_of(iu)->len));
}

static void dsc_13(void)
{
	TRANSFERS(
		{ "bad R_Key", 4, 0, 1024, .bad_key = true, .allowed = CLOSED },
		{ "bad R_Key, COUNT 2 of 4", 4, 2, 1024, .bad_key = true, .allowed = CLOSED },
		{ "bad range", 600, 0, 512, .change = other_address, .allowed = CLOSED },
		{ "memory without remote access", 4, 0, 1024, .change = no_remote_read, .allowed = CLOSED },
	);
}

static void dsc_14(void)
{
	TRANSFERS(
		{ "1 entry", 1, 1, 512, .bad_key = true }, { "12 entries", 12, 12, .bad_key = true },
		{ "255 entries", 255, 255, .bad_key = true },
	);
}

static void dsc_15(void)
{
	TRANSFERS(
		{ "table of 256 MiB", 1, 0, 512, .table_len = 0x10000000, .allowed = FIELD },
		{ "256 MiB, COUNT 1", 1, 1, 512, .table_len = 0x10000000, .allowed = FIELD },
		{ "fffffff0 bytes", 1, 0, 512, .table_len = 0xfffffff0, .allowed = FIELD },
		{ "fffffff0 bytes, COUNT 1", 1, 1, 512, .table_len = 0xfffffff0, .allowed = FIELD },
		{ "4097 entries", 4097, 0, 64, .blocks = 512, .allowed = FIELD | GOOD },
	);
}

/* ---- DSC-16 to DSC-18: two copies ------------------------------------------------------------------ */

#define ELSEWHERE	(AREA / 2)

/* The same entries elsewhere, the second one with this length. */
static void make_second(struct srp_wire_desc list[2], u32 len)
{
	list[0] = srpi_desc(&data_mem, ELSEWHERE + segs[0].off, segs[0].len);
	list[1] = srpi_desc(&data_mem, ELSEWHERE + segs[1].off, len);
}

/* Each entry has its data at one of the two places, and nothing else was written. */
static void expect_either(bool both)
{
	u32 i, at, pos = 0;

	memset(image, CANARY, AREA);
	for (i = 0; i < nr_segs; pos += segs[i++].len) {
		at = segs[i].off;
		if (both && memcmp(data + at, data + STREAM_AT + pos, segs[i].len))
			at += ELSEWHERE;
		memcpy(image + at, data + STREAM_AT + pos, segs[i].len);
	}
	expect_image();
}

static enum wait_result rewrite_until_answered(struct srpi_chan *ch, const struct srp_wire_desc lists[2][2],
					       struct srpi_rsp *r)
{
	enum wait_result result;
	u32 i;

	for (i = 0; i < 2000; i++) {
		memcpy(data + TABLE_AT, lists[~i & 1], sizeof(lists[0]));
		result = wait_rsp(ch, r, 0);
		if (result != WAIT_TIMEOUT)
			return result;
	}
	return wait_rsp(ch, r, conf.timeout);
}

static void dsc_16(void)
{
	static const struct table t = { "", 2, .each = 512 };
	struct srpi_chan *ch = shared();
	struct srp_wire_desc lists[2][2];
	struct srpi_rsp r;
	struct srpi_iu iu;
	int i;

	sent("100 READs with a table that changes all the time, to one with lengths beyond the total");
	fill_pattern(STREAM_AT, 1024, 1);
	write_blocks(ch, 0, 2, STREAM_AT);
	for (i = 0; i < 100; i++) {
		memset(data, CANARY, AREA);
		lay_segs(&t);
		build_buffer(&iu, &t, SRPI_IN, 2, 1024);
		memcpy(lists[0], data + TABLE_AT, sizeof(lists[0]));
		make_second(lists[1], 0x40000000);
		send_iu(ch, &iu);
		if (rewrite_until_answered(ch, lists, &r) != WAIT_RSP)
			fail("no answer");
		saw("%s", srpi_status_str(r.status));
		if (r.status)
			nr_segs = 0;
		expect_either(true);
	}
	expect_conserved(ch);
}

static void dsc_16b(void)
{
	static const struct table t = { "", 2, .each = 512 };
	struct srpi_chan *ch = shared();
	struct srp_wire_desc second[2];
	struct srpi_rsp r;
	struct srpi_iu iu;

	sent("READ that is held, its table rewritten meanwhile");
	settle_held(ch);
	lun = conf.held_lun;
	fill_pattern(STREAM_AT, 1024, 2);
	write_blocks(ch, 0, 2, STREAM_AT);
	hook("hold");
	memset(data, CANARY, AREA);
	lay_segs(&t);
	build_buffer(&iu, &t, SRPI_IN, 2, 1024);
	send_iu(ch, &iu);
	/* The table has been fetched when it is this one's turn. */
	lun = conf.lun;
	tur(ch);
	expect_silence(ch, 200);
	make_second(second, 512);
	memcpy(data + TABLE_AT, second, sizeof(second));
	hook("release");
	if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
		fail("no answer");
	expect_good(&r);
	saw("the first copy used");
	expect_either(false);
	expect_conserved(ch);
}

/* Four entries, two of them in the IU too, with other addresses. */
struct differing {
	enum srpi_dir	dir;
	u32		inner, outer;	/* length of the first two, in the IU and in memory */
};

static void expect_copy(const struct differing *d, bool inner)
{
	u32 i, at;

	for (i = 0; i < 4; i++) {
		at = segs[i].off + (inner && i < 2 ? ELSEWHERE : 0);
		if (d->dir == SRPI_IN)
			expect_same(at, STREAM_AT + i * BLOCK, BLOCK);
		else
			expect_same(BACK_AT + i * BLOCK, at, BLOCK);
	}
	if (d->dir == SRPI_IN)
		expect_canary(segs[0].off + (inner ? 0 : ELSEWHERE), 2 * BLOCK);
}

/* Returns whether the entries in the IU were used. */
static bool one_differing(const struct differing *d)
{
	static const struct table t = { "", 4, 2, 512 };
	const u64 seed = next_random();
	struct srp_wire_desc *inner, *outer = (void *)(data + TABLE_AT);
	struct srpi_chan *ch = shared();
	struct srpi_iu iu;
	bool used;
	u32 i;

	mark_blocks(ch, 0, 4, seed);
	fill_pattern(STREAM_AT, 4 * BLOCK, seed);
	memset(data, CANARY, AREA);
	lay_segs(&t);
	build_buffer(&iu, &t, d->dir, 4, 4 * BLOCK);
	inner = desc_of(&iu) + 1;
	inner = (void *)((u8 *)inner + 4);
	for (i = 0; i < 4 && d->dir == SRPI_OUT; i++) {
		fill_pattern(segs[i].off, BLOCK, seed + 10 + i);
		if (i < 2)
			fill_pattern(ELSEWHERE + segs[i].off, BLOCK, seed + 20 + i);
	}
	for (i = 0; i < 2; i++) {
		inner[i] = srpi_desc(&data_mem, ELSEWHERE + segs[i].off, d->inner);
		outer[i].len = htobe32(d->outer);
	}
	if (probe(ch, &iu, d->inner == d->outer ? GOOD : GOOD | FIELD, NULL) != GOOD) {
		expect_blocks(shared(), 0, 4, seed);
		return false;
	}
	if (d->dir == SRPI_OUT)
		read_blocks(ch, 0, 4, BACK_AT);
	used = d->inner != d->outer ? d->inner == BLOCK : d->dir == SRPI_IN ? data[segs[0].off] == CANARY :
	       !memcmp(data + BACK_AT, data + ELSEWHERE + segs[0].off, BLOCK);
	expect_copy(d, used);
	return used;
}

static void differing(const void *arg)
{
	const bool first = one_differing(arg);
	int i;

	for (i = 0; i < 3; i++)
		if (one_differing(arg) != first)
			fail("once the entries in the IU are used, once those in memory");
	saw("entries in the IU %s", first ? "used" : "not used");
}

static void dsc_17(void)
{
	static const struct differing rows[] = {
		{ SRPI_IN, 512, 512 }, { SRPI_OUT, 512, 512 }, { SRPI_IN, 256, 512 }, { SRPI_OUT, 256, 512 },
		{ SRPI_IN, 512, 256 }, { SRPI_OUT, 512, 256 }, { SRPI_IN, 512, 0x40000000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(differing, &rows[i], "%s, 2 of 4 entries in the IU, of %u bytes, in memory %u", rows[i].dir == SRPI_IN ?
		    "in" : "out", rows[i].inner, rows[i].outer);
}

static void all_counted(struct srpi_iu *iu)
{
	set_counts(iu, 255, 45);
}

static void dsc_18(void)
{
	TRANSFERS({ "300 entries, counts 255 and 45", 300, 300, 512, .change = all_counted, .allowed = FIELD | GOOD });
}

/* ---- DSC-19 to DSC-24: lengths --------------------------------------------------------------------- */

static void dsc_19(void)
{
	TRANSFERS(
		{ "total 64 KiB, entry 4 KiB", 1, 1, 4096, .total = 65536, .allowed = FIELD },
		{ "the same, 8 blocks", 1, 1, 4096, .total = 65536, .blocks = 8, .allowed = FIELD },
		{ "the same in a table to be fetched", 1, 0, 4096, .total = 65536, .allowed = FIELD },
		{ "one byte more", 4, 4, 1024, .total = 4097, .allowed = FIELD },
		{ "one byte more in a table to be fetched", 4, 0, 1024, .total = 4097, .allowed = FIELD },
	);
}

/* What is not refused for this is a command with a buffer that is too small. */
static void dsc_20(void)
{
	TRANSFERS(
		{ "total 4 KiB, entry 64 KiB, 8 blocks", 1, 1, 65536, .total = 4096, .allowed = FIELD | GOOD },
		{ "the same, 128 blocks", 1, 1, 65536, .total = 4096, .blocks = 128, .allowed = TOO_SMALL },
		{ "in a table to be fetched", 1, 0, 65536, .total = 4096, .allowed = FIELD | GOOD },
		{ "one byte less", 4, 4, 1024, .total = 4095, .blocks = 8, .allowed = TOO_SMALL },
	);
}

static void dsc_21(void)
{
	static const struct seg wraps[] = { { 0, 0xfffffe00 }, { 4096, 0x400 } };

	TRANSFERS(
		{ "2 x 2 GiB", 2, 2, 0x80000000, .total = SAYS_0, .blocks = 1, .allowed = FIELD },
		{ "17 x 256 MiB", 17, 17, 0x10000000, .total = 0x10000000, .blocks = 1, .allowed = FIELD },
		/* For a total of 0 the table need not be fetched. */
		{ "4 x 1 GiB, to be fetched", 4, 0, 0x40000000, .total = SAYS_0, .blocks = 1, .allowed = FIELD | GOOD },
		{ "4 x 1 GiB, total 4096, to be fetched", 4, 0, 0x40000000, .total = 4096, .allowed = FIELD },
		{ "fffffe00 + 400 bytes", 2, 2, .segs = wraps, .total = 512, .allowed = FIELD },
	);
}

static void dsc_22(void)
{
	static const struct seg half[] = { { 0, 0x80000000 } };

	TRANSFERS(
		{ "direct, 2 GiB", 1, .each = 512, .direct = true, .total = 0x80000000, .blocks = 1, .allowed = GOOD | FIELD },
		{ "direct, ffffffff", 1, .each = 512, .direct = true, .total = 0xffffffff, .blocks = 1, .allowed = GOOD | FIELD },
		{ "table, 2 GiB", 1, 1, .segs = half, .total = 0x80000000, .blocks = 1,
		  .allowed = GOOD | FIELD },
	);
}

static void zero_direct(const void *arg)
{
	const u32 i = *(const u32 *)arg;
	struct srpi_iu iu;

	if (i < 2)
		build_in(&iu, i ? AS_CDB(CDB_INQUIRY(36)) : AS_CDB(CDB_TUR), 0, 0);
	else
		build_out(&iu, i == 2 ? AS_CDB(CDB_TUR) : AS_CDB(CDB_WRITE(0, 0)), 0, 0);
	memset(data, CANARY, AREA);
	memset(image, CANARY, AREA);
	probe_no_buffer(shared(), &iu, SRP_RSP_DIOVER, i == 1 ? 36 : 0);
	expect_image();
}

static void dsc_23(void)
{
	static const char *const names[] = { "TEST UNIT READY, in", "INQUIRY", "TEST UNIT READY, out", "WRITE of 0 blocks" };
	u32 i;

	TRANSFERS({ "direct, 1 block", 1, .each = 512, .direct = true, .total = SAYS_0, .blocks = 1, .allowed = TOO_SMALL });
	for (i = 0; i < ARRAY_SIZE(names); i++)
		row(zero_direct, &i, "%s", names[i]);
}

static void dsc_24(void)
{
	TRANSFERS(
		{ "the first of 8", 8, 8, 512, .zeros = 0x01 }, { "one in the middle", 8, 8, 512, .zeros = 0x08 },
		{ "the last", 8, 8, 512, .zeros = 0x80 }, { "every second", 8, 8, 512, .zeros = 0x55 },
		{ "all but one", 8, 8, 512, .zeros = 0xf7 }, { "in a table to be fetched", 8, 0, 512, .zeros = 0x99 },
		{ "all", 8, 8, 512, .zeros = 0xff, .allowed = TOO_SMALL },
		{ "all, to be fetched", 8, 0, 512, .zeros = 0xff, .allowed = TOO_SMALL },
	);
}

/* ---- DSC-25 to DSC-27: formats --------------------------------------------------------------------- */

struct fmt {
	u8		byte5;
	bool		imm;
	struct cdb	cdb;
	u32		allowed;
};

static void bad_format(const void *arg)
{
	const struct fmt *f = arg;
	struct srpi_chan *ch = f->imm ? shared_imm() : shared();
	const u64 seed = next_random();
	struct srpi_iu iu;

	mark_blocks(ch, 0, 1, seed);
	memset(data, CANARY, AREA);
	memset(image, CANARY, AREA);
	begin_cmd(&iu, f->cdb, f->byte5);
	append_desc(&iu, 4096, BLOCK);
	iu.len = 640;
	memset(iu.b + 64, 0, iu.len - 64);
	if (f->imm)
		memcpy(iu.b + 48, &(__be32){ htobe32(BLOCK) }, 4);
	probe(ch, &iu, f->allowed, NULL);
	expect_image();
	expect_blocks(shared(), 0, 1, seed);
}

static void dsc_25(void)
{
	struct fmt f = { 0 };
	u8 i;

	for (i = 4; i < 16; i++) {
		f = (struct fmt){ i << 4, false, CDB_WRITE(0, 1), FIELD | KILL(SRP_LOGOUT_OUT_FMT) };
		row(bad_format, &f, "byte 5 is %02x, WRITE", f.byte5);
		f = (struct fmt){ i, false, CDB_READ(0, 1), FIELD | KILL(SRP_LOGOUT_IN_FMT) };
		row(bad_format, &f, "byte 5 is %02x, READ", f.byte5);
	}
	for (i = 0xf0; i; i = i == 0xf0 ? 0x0f : i == 0x0f ? 0x40 : i == 0x40 ? 0x04 : 0) {
		f = (struct fmt){ i, false, CDB_TUR, FIELD | KILL(SRP_LOGOUT_OUT_FMT) | KILL(SRP_LOGOUT_IN_FMT) };
		row(bad_format, &f, "byte 5 is %02x, TEST UNIT READY", f.byte5);
	}
}

static void dsc_26(void)
{
	static const struct fmt rows[] = {
		{ 0x03, false, CDB_READ(0, 1), FIELD | KILL(SRP_LOGOUT_IN_FMT) },
		{ 0x03, true, CDB_READ(0, 1), FIELD | KILL(SRP_LOGOUT_IN_FMT) },
		{ 0x03, true, CDB_TUR, FIELD | KILL(SRP_LOGOUT_IN_FMT) },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(bad_format, &rows[i], "data-in format 3, immediate data %sagreed, %s", rows[i].imm ? "" : "not ",
		    rows[i].cdb.b[0] ? "READ" : "TEST UNIT READY");
}

#define OUT_AT	4096u
#define IN_AT	(64u << 10)

/* Out comes first. */
static void append_both(struct srpi_iu *iu, u8 out, u8 in)
{
	const struct srp_wire_desc o = srpi_desc(&data_mem, OUT_AT, BLOCK), i = srpi_desc(&data_mem, IN_AT, BLOCK);

	if (out == SRP_DESC_DIRECT)
		srpi_direct(iu, SRPI_OUT, o);
	else
		srpi_indirect(iu, SRPI_OUT, srpi_desc(&data_mem, TABLE_AT, 16), &o, 1, BLOCK);
	if (in == SRP_DESC_DIRECT)
		srpi_direct(iu, SRPI_IN, i);
	else
		srpi_indirect(iu, SRPI_IN, srpi_desc(&data_mem, TABLE_AT, 16), &i, 1, BLOCK);
	memcpy(data + TABLE_AT, in == SRP_DESC_INDIRECT ? &i : &o, sizeof(o));
}

/* Whatever is done: what was in the data-out buffer is still there, and what is in the other one is right. */
static void both_ways(const void *arg)
{
	const struct fmt *f = arg;
	struct srpi_chan *ch = shared();
	const u64 seed = next_random();
	struct srpi_iu iu;
	u32 i, outcome;

	mark_blocks(ch, 0, 1, seed);
	memset(data, CANARY, AREA);
	fill_pattern(OUT_AT, BLOCK, ~seed);
	memcpy(image, data, AREA);
	begin_cmd(&iu, f->cdb, 0);
	append_both(&iu, f->byte5 >> 4, f->byte5 & 15);
	outcome = probe(ch, &iu, f->allowed, NULL);
	fill_pattern(STREAM_AT, BLOCK, seed);
	if (outcome == GOOD && f->cdb.b[0] == 0x53)
		for (i = 0; i < BLOCK; i++)
			image[IN_AT + i] = data[STREAM_AT + i] ^ data[OUT_AT + i];
	else if (outcome == GOOD && f->cdb.b[0] == 0x28)
		memcpy(image + IN_AT, data + STREAM_AT, BLOCK);
	expect_image();
	expect_blocks(ch, 0, 1, outcome == GOOD && (f->cdb.b[0] == 0x53 || f->cdb.b[0] == 0x2a) ? ~seed : seed);
}

static void dsc_27(void)
{
	static const u8 formats[] = { 0x11, 0x12, 0x21, 0x22 };
	static const struct cdb cdbs[] = { CDB_READ(0, 1), CDB_WRITE(0, 1), { { 0x53, [8] = 1 } }, CDB_TUR };
	static const char *const names[] = { "READ", "WRITE", "XDWRITEREAD(10)", "TEST UNIT READY" };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		for (j = 0; j < ARRAY_SIZE(cdbs); j++) {
			struct fmt f = { formats[i], false, cdbs[j], FIELD | GOOD | (j == 2 ? BAD_OPCODE : 0) };

			row(both_ways, &f, "formats %02x, %s", f.byte5, names[j]);
		}
	}
}

/* ---- DSC-28 to DSC-30: addresses        ------------------------------------------------------------ */

static void wrap(struct srpi_iu *iu)
{
	desc_of(iu)->va = htobe64(0xfffffffffffffff0ULL);
}

static void dsc_28(void)
{
	TRANSFERS(
		{ "256 bytes at fffffffffffffff0", 1, .each = 512, .direct = true, .total = 256, .blocks = 1, .change = wrap,
		  .only = IN_ONLY, .allowed = CLOSED },
		{ "512 bytes at fffffffffffffff0", 1, .each = 512, .direct = true, .change = wrap, .allowed = CLOSED },
		{ "table at fffffffffffffff0", 16, 0, 512, .change = wrap, .allowed = CLOSED },
	);
}

static void dsc_29(void)
{
	static const struct seg odd[] = { { 1, 1 }, { 4095, 511 }, { 8191, 513 }, { 12289, 511 } };
	static const struct seg backwards[] = { { 40959, 8193 }, { 20479, 4095 }, { 4093, 4096 } };
	static const struct seg at_1[] = { { 1, 512 } }, at_4095[] = { { 4095, 4096 } };

	TRANSFERS(
		{ "direct, at 1", 1, .segs = at_1, .direct = true },
		{ "direct, 4 KiB at 4095", 1, .segs = at_4095, .direct = true },
		{ "1, 511, 513, 511 bytes at odd addresses", 4, 4, .segs = odd },
		{ "the same, to be fetched", 4, .segs = odd },
		{ "backwards, across pages", 3, 3, .segs = backwards },
	);
}

static void dsc_30(void)
{
	static const struct seg one[16] = {
		{ 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 },
		{ 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 }, { 0, 512 },
	};

	TRANSFERS({ "twice the same", 2, 2, .segs = one, .same = true }, { "16 times", 16, 16, .segs = one, .same = true });
}

const struct conf_case desc_cases[] = {
	{ "DSC-01", "tables in the IU", "GOOD, data exact", dsc_01 },
	{ "DSC-02", "COUNT is reserved for formats 1 and 3", "ignored", dsc_02 },
	{ "DSC-03", "COUNT in the other direction's byte", "GOOD, data exact", dsc_03 },
	{ "DSC-04", "a direct descriptor beyond the IU", "05/0E/03, or SRP_T_LOGOUT 8 and closed", dsc_04 },
	{ "DSC-05", "the header of a table beyond the IU", "05/0E/03, or SRP_T_LOGOUT 8 and closed", dsc_05 },
	{ "DSC-06", "COUNT beyond the IU", "05/0E/03, or SRP_T_LOGOUT 8 and closed; stale bytes are not used", dsc_06 },
	{ "DSC-07", "table length no multiple of 16", "05/0E/03", dsc_07 },
	{ "DSC-08", "table length less than COUNT says", "05/0E/03, or the length wins", dsc_08 },
	{ "DSC-09", "no table, no data", "as without a buffer", dsc_09 },
	{ "DSC-10", "no table, but data", "05/0E/03", dsc_10 },
	{ "DSC-11", "tables in memory", "fetched; GOOD, data exact", dsc_11 },
	{ "DSC-12", "tables partly in the IU", "fetched; GOOD, data exact", dsc_12 },
	{ "DSC-13", "a table that cannot be fetched", "closed, no data moved", dsc_13 },
	{ "DSC-14", "a table that is in the IU is not fetched", "GOOD, data exact", dsc_14 },
	{ "DSC-15", "a huge table", "05/0E/03", dsc_15 },
	{ "DSC-16", "a table that changes while it is fetched", "one copy is used, and checked", dsc_16 },
	{ "DSC-16b", "a table that changes when it was fetched", "the first copy is used", dsc_16b, NEEDS_HOLD },
	{ "DSC-17", "the IU's part of a table differs", "always the same copy is used, and checked", dsc_17 },
	{ "DSC-18", "300 entries by both counts", "05/0E/03, or GOOD and data exact", dsc_18 },
	{ "DSC-19", "total above the sum", "05/0E/03", dsc_19 },
	{ "DSC-20", "total below the sum", "05/0E/03, or only the total is moved", dsc_20 },
	{ "DSC-21", "a sum beyond 32 bits", "05/0E/03", dsc_21 },
	{ "DSC-22", "total of 2 GiB and more", "GOOD and DIUNDER or DOUNDER, or 05/0E/03", dsc_22 },
	{ "DSC-23", "direct descriptor without bytes", "as without a buffer", dsc_23 },
	{ "DSC-24", "entries without bytes", "skipped", dsc_24 },
	{ "DSC-25", "reserved formats", "05/0E/03, or SRP_T_LOGOUT 6 or 7 and closed", dsc_25 },
	{ "DSC-26", "format 3 for data-in", "05/0E/03, or SRP_T_LOGOUT 7 and closed", dsc_26 },
	{ "DSC-27", "both directions", "done right, or 05/0E/03", dsc_27 },
	{ "DSC-28", "addresses that wrap around", "closed", dsc_28 },
	{ "DSC-29", "odd addresses and lengths", "GOOD, data exact", dsc_29 },
	{ "DSC-30", "entries that overlap", "GOOD", dsc_30 },
	{ "DSC-31", "large buffers", "GOOD, or 05/0E/03", large_buffers },
	{ "DSC-32", "many RDMAs, many commands", "all GOOD, data exact", many_rdmas },
	{ .id = NULL }
};
