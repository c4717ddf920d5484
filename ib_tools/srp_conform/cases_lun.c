// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of LUNs and tags (LUN, TAG). */
#include <string.h>

#include "conform.h"

#define NO_LUN		0x052500	/* LOGICAL UNIT NOT SUPPORTED */
#define AT		(256u << 10)	/* of the data: what is read */
#define LIST		(1u << 20)	/* and the list of LUNs */
#define MAX_LIST	4096

static u64 seed;

/* ---- the LUNs that there are ------------------------------------------------------------------------ */

static u64 listed(u32 i)
{
	__be64 be;

	memcpy(&be, data + LIST + 8 + 8 * i, sizeof(be));
	return be64toh(be);
}

/* REPORT LUNS to these eight bytes, into @mem, which is copied; returns how many there are in the list. */
static u32 report_luns_in(struct srpi_chan *ch, const struct srpi_mem *mem, u64 on_lun)
{
	const __be64 bytes = htobe64(on_lun);
	struct srpi_rsp r;
	struct srpi_iu iu;
	__be32 len;

	begin_cmd(&iu, (struct cdb){ { 0xa0, [8] = MAX_LIST >> 8 } }, 0);
	memcpy(srpi_as_cmd(&iu)->lun, &bytes, sizeof(bytes));
	srpi_direct(&iu, SRPI_IN, srpi_desc(mem, 0, MAX_LIST));
	provoke(ch, &iu, GOOD, &r);
	memcpy(data + LIST, mem->addr, MAX_LIST);
	memcpy(&len, data + LIST, sizeof(len));
	if (be32toh(len) % 8 || (be32toh(len) <= MAX_LIST - 8 && r.in_res != MAX_LIST - 8 - be32toh(len)))
		fail("REPORT LUNS: a list of %u bytes, residual %u", be32toh(len), r.in_res);
	return be32toh(len) > MAX_LIST - 8 ? MAX_LIST / 8 - 1 : be32toh(len) / 8;
}

static u32 report_luns(u64 on_lun)
{
	return report_luns_in(shared(), own_mem(ini, MAX_LIST, SRPI_ACCESS_DATA), on_lun);
}

static bool is_listed(u64 bytes, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (listed(i) == bytes)
			return true;
	return false;
}

/* Sends a command to these eight bytes. */
static u32 provoke_at(u64 bytes, struct srpi_iu *iu, u32 allowed, struct srpi_rsp *r)
{
	__be64 be = htobe64(bytes);
	struct srpi_rsp own;
	u32 outcome;

	r = r ? r : &own;
	memcpy(srpi_as_cmd(iu)->lun, &be, sizeof(be));
	outcome = provoke(shared(), iu, allowed, r);
	/* The only other answer is that there is no such LUN. */
	if (outcome == CHECK && srpi_sense(r) != NO_LUN)
		expect_sense(r, NO_LUN);
	return outcome;
}

/* Returns the peripheral byte, or -1 if the answer is that there is no such LUN. */
static int inquire(u64 bytes, u32 allowed)
{
	struct srpi_iu iu;

	memset(data + AT, CANARY, 4096);
	build_in(&iu, AS_CDB(CDB_INQUIRY(36)), AT, 36);
	if (provoke_at(bytes, &iu, allowed, NULL) != GOOD) {
		expect_canary(AT, 4096);
		return -1;
	}
	expect_canary(AT + 36, 4060);
	return data[AT];
}

/* It is the scratch LUN: a block written there is read here. */
static void expect_scratch(u64 bytes)
{
	struct srpi_iu iu;

	lay_canary();
	fill_pattern(0, BLOCK, ++seed);
	write_blocks(shared(), 3, 1, 0);
	build_in(&iu, AS_CDB(CDB_READ(3, 1)), AT, BLOCK);
	provoke_at(bytes, &iu, GOOD, NULL);
	expect_pattern(AT, BLOCK, seed);
}

static void one_disk(const void *arg)
{
	const u64 bytes = *(const u64 *)arg;
	struct srpi_iu iu;

	if (inquire(bytes, GOOD) >> 5)
		fail("INQUIRY: peripheral byte %02x", data[AT]);
	lun = bytes >> 48;
	settle(shared());
	lun = conf.lun;
	build_tur(&iu);
	provoke_at(bytes, &iu, GOOD, NULL);
	if (bytes == LUN_IS(conf.lun))
		expect_scratch(bytes);
}

static void lun_01(void)
{
	const int luns[] = { 0, conf.lun, conf.held_lun, conf.read_only_lun };
	u32 nr = report_luns(LUN_IS(conf.lun));
	unsigned int i;
	u64 bytes;

	for (i = 0; i < ARRAY_SIZE(luns); i++) {
		bytes = LUN_IS(luns[i]);
		/* One that nobody has named need not be there. */
		if (luns[i] < 0 || luns[i] > 255 || (!luns[i] && !is_listed(0, nr)))
			continue;
		row(one_disk, &bytes, "LUN %016llx", bytes);
	}
}

static void flat(const void *arg)
{
	const u64 bytes = 1ULL << 62 | LUN_IS(conf.lun);
	struct srpi_iu iu;

	(void)arg;
	if (conf.lun > 255)
		skip("LUN %d has only this form", conf.lun);
	build_tur(&iu);
	if (provoke_at(bytes, &iu, GOOD | CHECK, NULL) == GOOD) {
		expect_scratch(bytes);
		return;
	}
	if (inquire(bytes, GOOD | CHECK) != -1 && data[AT] != 0x7f)
		fail("TEST UNIT READY says that there is no such LUN, INQUIRY has a peripheral byte %02x", data[AT]);
	if (is_listed(bytes, report_luns(LUN_IS(conf.lun))))
		fail("REPORT LUNS has a LUN that does not exist");
}

static void lun_02(void)
{
	row(flat, NULL, "LUN %04x000000000000 instead of %04x000000000000", 0x4000 | conf.lun, conf.lun);
}

static void one_listed(const void *arg)
{
	if (inquire(*(const u64 *)arg, GOOD) >> 5)
		fail("INQUIRY: peripheral byte %02x", data[AT]);
}

static void lun_03(void)
{
	u32 i, nr = report_luns(LUN_IS(conf.lun)), large = 0;
	u64 bytes;

	for (i = 0; i < nr && large < 64; i++) {
		bytes = listed(i);
		/* Neither the first 256 in the form that they always have, nor well-known ones. */
		if (!(bytes >> 56) || bytes >> 56 == 0xc1)
			continue;
		large++;
		row(one_listed, &bytes, "LUN %016llx", bytes);
	}
	if (!large)
		skip("REPORT LUNS has none above 255");
}

/* ---- LUNs that there are not ------------------------------------------------------------------------ */

static void request_sense(u64 bytes)
{
	struct srpi_iu iu;

	memset(data + AT, CANARY, 4096);
	build_in(&iu, (struct cdb){ { 0x03, 0, 0, 0, 18 } }, AT, 18);
	if (provoke_at(bytes, &iu, GOOD | CHECK, NULL) == GOOD && (data[AT + 12] != 0x25 || data[AT + 13]))
		fail("REQUEST SENSE: sense %02x/%02x/%02x", data[AT + 2] & 15, data[AT + 12], data[AT + 13]);
	expect_canary(AT + 18, 4078);
}

static void one_missing(const void *arg)
{
	const u64 bytes = *(const u64 *)arg;
	struct srpi_iu iu;
	int type;

	build_tur(&iu);
	provoke_at(bytes, &iu, CHECK, NULL);
	lay_canary();
	build_in(&iu, AS_CDB(CDB_READ(0, 8)), AT, 4096);
	provoke_at(bytes, &iu, CHECK, NULL);
	expect_canary(AT - 4096, 16384);
	build_out(&iu, AS_CDB(CDB_WRITE(0, 8)), AT, 4096);
	provoke_at(bytes, &iu, CHECK, NULL);
	type = inquire(bytes, GOOD | CHECK);
	if (type != -1 && type != 0x7f)
		fail("INQUIRY: peripheral byte %02x", type);
	request_sense(bytes);
	expect_conserved(shared());
}

static void lun_04(void)
{
	static const u64 luns[] = { LUN_IS(77), LUN_IS(200), LUN_IS(255), LUN_IS(0x0100 | 77), LUN_IS(0x3fff) };
	u32 nr = report_luns(LUN_IS(conf.lun));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(luns); i++)
		if (!is_listed(luns[i], nr))
			row(one_missing, &luns[i], "LUN %016llx", luns[i]);
}

static void lun_05(void)
{
	static const u8 values[] = { 0x01, 0x40, 0xff };
	unsigned int i, j;
	u64 bytes;

	for (i = 0; i < 6; i++) {
		for (j = 0; j < ARRAY_SIZE(values); j++) {
			bytes = LUN_IS(conf.lun) | (u64)values[j] << 8 * i;
			row(one_missing, &bytes, "LUN %016llx", bytes);
		}
	}
}

/* A well-known LUN may be there. */
static void one_method(const void *arg)
{
	const u64 bytes = *(const u64 *)arg;
	struct srpi_iu iu;
	int type;

	if (bytes != LUN_IS(0xc101)) {
		one_missing(arg);
		return;
	}
	build_tur(&iu);
	if (provoke_at(bytes, &iu, GOOD | CHECK, NULL) != GOOD)
		return;
	type = inquire(bytes, GOOD);
	if (type != 0x1e)
		fail("INQUIRY: peripheral byte %02x of a well-known LUN", type);
	report_luns(bytes);
}

static void lun_06(void)
{
	const u64 luns[] = {
		LUN_IS(0x8000 | (conf.lun & 0xff)), LUN_IS(0xc000 | (conf.lun & 0xff)), ~0ULL, LUN_IS(0xffff),
		LUN_IS(0xe200) | 0x000000000001ULL, LUN_IS(0xc101), LUN_IS(0xc102), LUN_IS(0xbfff),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(luns); i++)
		row(one_method, &luns[i], "LUN %016llx", luns[i]);
}

/* One of the two ports may do without. */
static void lun_07(void)
{
	struct srpi_chan *ch = shared();
	struct srpi_mem *mem = own_mem(ini, MAX_LIST, SRPI_ACCESS_DATA);
	struct srpi *way;
	u32 nr;

	if (is_listed(0, report_luns_in(ch, mem, LUN_IS(conf.lun)))) {
		ch = login_rival(&way);
		mem = own_mem(way, MAX_LIST, SRPI_ACCESS_DATA);
	}
	if (is_listed(0, report_luns_in(ch, mem, LUN_IS(conf.lun))))
		skip("there is a LUN 0");
	sent("REPORT LUNS to LUN 0, which is not there");
	nr = report_luns_in(ch, mem, 0);
	if (is_listed(0, nr) || !is_listed(LUN_IS(conf.lun), nr))
		fail("the list has %u LUNs, with%s LUN 0, with%s LUN %d", nr, is_listed(0, nr) ? "" : "out",
		     is_listed(LUN_IS(conf.lun), nr) ? "" : "out", conf.lun);
	expect_conserved(ch);
}

#define NR_REMOVED	8

/* It may be said that there are other LUNs now. */
static void still_there(struct srpi_chan *ch)
{
	struct srpi_rsp r;
	struct srpi_iu iu;

	build_tur(&iu);
	if (provoke(ch, &iu, GOOD | CHECK, &r) == CHECK)
		expect_sense(&r, 0x063f0e);
}

/* Commands end, and later ones find no LUN. */
static void lun_08(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	static struct tasks t;
	struct srpi_rsp r;
	struct srpi_iu iu;
	char what[20];
	u32 i;

	sent("%u commands to a LUN that is held, which is removed then", NR_REMOVED);
	settle_held(ch);
	hook("hold");
	memset(&t, 0, sizeof(t));
	for (i = 0; i < NR_REMOVED; i++) {
		build_held(&iu, i);
		task_send(&t, ch, &iu);
	}
	expect_silence(ch, 200);
	snprintf(what, sizeof(what), "unmap %d", conf.held_lun);
	hook(what);
	still_there(ch);
	hook("release");
	while (t.left) {
		task_answer(&t, ch, &r);
		saw("status %02x", r.status);
	}
	still_there(ch);
	expect_conserved(ch);
	lun = conf.held_lun;
	build_tur(&iu);
	provoke(ch, &iu, CHECK, &r);
	expect_sense(&r, NO_LUN);
	lun = conf.lun;
	hook(what + 2);
	still_there(ch);
	settle_held(ch);
}

/* ---- tags -------------------------------------------------------------------------------------------- */

static void set_tag(struct srpi_iu *iu, u64 tag)
{
	memcpy(iu->b + 8, &tag, sizeof(tag));
}

static void one_tag(const void *arg)
{
	struct srpi_chan *ch = shared();
	u64 tag = htobe64(*(const u64 *)arg);
	struct srpi_rsp r;
	struct srpi_iu iu;

	build_in(&iu, AS_CDB(CDB_READ(0, 1)), 0, BLOCK);
	set_tag(&iu, tag);
	provoke(ch, &iu, GOOD, NULL);
	build_tmf(&iu, SRP_TMF_ABORT_TASK, LUN_IS(conf.lun), TASK);
	set_tag(&iu, tag);
	ask(ch, &iu, &r);
	expect_code(&r, SRP_RSP_COMPLETE);
	/* An answer that is not the core's. */
	build_tmf(&iu, 0xff, LUN_IS(conf.lun), TASK);
	set_tag(&iu, tag);
	ask(ch, &iu, &r);
	expect_code(&r, SRP_RSP_NOT_SUPPORTED);
}

static void tag_01(void)
{
	const u64 tags[] = { 0, 1, 0xffffffff, 1ULL << 32, 1ULL << 63, ~0ULL, 0x0123456789abcdefULL, next_random() };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tags); i++)
		row(one_tag, &tags[i], "tag %016llx, in commands and functions", tags[i]);
}

static void tag_02(void)
{
	const u32 times = loops(200, 1000000);
	struct srpi_chan *ch = shared();
	const u64 tag = next_random();
	struct srpi_iu iu;
	u32 i;

	sent("the same tag %u times, each right after its answer", times);
	for (i = 0; i < times; i++) {
		if (i % 2)
			build_tur(&iu);
		else
			build_in(&iu, AS_CDB(CDB_READ(i % 64, 1)), 0, BLOCK);
		set_tag(&iu, tag);
		do_good(ch, &iu);
	}
	expect_conserved(ch);
}

/* Two WRITEs with one tag, both on their way. */
static void tag_03(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	static struct tasks t;
	const u64 tag = next_random();
	struct srpi_iu iu;
	u32 i;

	sent("two WRITEs with one tag, while the disk is held");
	settle_held(ch);
	lay_canary();
	fill_pattern(0, 4096, ++seed);
	fill_pattern(8192, 4096, ++seed);
	hook("hold");
	memset(&t, 0, sizeof(t));
	for (i = 0; i <= 2; i += 2) {
		build_held(&iu, i);
		set_tag(&iu, tag);
		task_send(&t, ch, &iu);
	}
	expect_silence(ch, 200);
	hook("release");
	tasks_good(&t, ch);
	lun = conf.held_lun;
	read_blocks(ch, 0, 8, AT);
	read_blocks(ch, 16, 8, AT + 8192);
	expect_same(AT, 0, 4096);
	expect_same(AT + 8192, 8192, 4096);
	lun = conf.lun;
	expect_silence(ch, 100);
	expect_conserved(ch);
}

static void tag_04(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srpi_iu iu;
	struct srpi_rsp r;
	u64 tag;

	sent("ABORT TASK of another tag, with the tag of a command that is held");
	settle_held(ch);
	hook("hold");
	build_held(&iu, 1);
	tag = srpi_iu_tag(&iu);
	send_iu(ch, &iu);
	build_tmf(&iu, SRP_TMF_ABORT_TASK, LUN_IS(conf.held_lun), TASK);
	set_tag(&iu, tag);
	ask(ch, &iu, &r);
	expect_code(&r, SRP_RSP_COMPLETE);
	expect_silence(ch, 100);
	hook("release");
	if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP || r.tag != tag)
		fail("the command was not answered");
	expect_good(&r);
	expect_silence(ch, 100);
	expect_conserved(ch);
}

const struct conf_case lun_cases[] = {
	{ "LUN-01", "peripheral addressing", "GOOD", lun_01 },
	{ "LUN-02", "flat space addressing", "the same LUN, or 05/25/00; as REPORT LUNS says", lun_02 },
	{ "LUN-03", "LUNs above 255 as REPORT LUNS returns them", "GOOD", lun_03 },
	{ "LUN-04", "a LUN that is not there", "05/25/00; INQUIRY may say 7Fh, REQUEST SENSE 25h", lun_04 },
	{ "LUN-05", "second to fourth level", "05/25/00", lun_05 },
	{ "LUN-06", "other addressing methods, well-known LUNs", "05/25/00; a well-known LUN may be there", lun_06 },
	{ "LUN-07", "REPORT LUNS to LUN 0 that is not there", "a list without LUN 0", lun_07 },
	{ "LUN-08", "LUN removed with commands in flight", "they end, nothing hangs; 3F/0E for others", lun_08, NEEDS_HOLD },
	{ "TAG-01", "all 64 bits of the tag", "echoed", tag_01 },
	{ "TAG-02", "a tag is used again after its answer", "GOOD", tag_02 },
	{ "TAG-03", "a tag twice at a time", "both are executed and answered", tag_03, NEEDS_HOLD },
	{ "TAG-04", "a function has the tag of a command", "two answers, told apart by RSPVALID", tag_04, NEEDS_HOLD },
	{ .id = NULL }
};
