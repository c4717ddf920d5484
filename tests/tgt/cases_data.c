// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Data, residuals and sense data. */
#include <errno.h>
#include <string.h>

#include "harness.h"

#define LEN	(64u << 10)
#define AT	4096u

static void two_stages(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req;
	struct tgt_answer ans;

	fill(n->mem.addr, LEN, 1);
	req = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true });
	check(req.cmd_req.data_out_len == LEN && !req.cmd_req.data_in_len, "%u bytes out, %u in",
	      req.cmd_req.data_out_len, req.cmd_req.data_in_len);
	must_answer(d, fetch_data(d, &req, AT, LEN));
	expect_done(d, &req, TGT_DONE_OK);
	expect_filled(d->mem + AT, LEN, 1, "data-out");
	ans = good(&req);
	ans.cmd_rsp.produced = LEN;
	must_answer(d, ans);
	check(!expect_status(n, 1, GOOD).flags, "a residual of nothing");
	expect_done(d, &req, TGT_DONE_OK);
	expect_idle(d, n);
}

static void one_stage(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req;

	fill(n->mem.addr, LEN, 2);
	req = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true });
	must_answer(d, write_data(d, &req, AT, LEN));
	/* Acknowledged: so it is there. */
	check(!expect_status(n, 1, GOOD).flags, "a residual of nothing");
	expect_filled(d->mem + AT, LEN, 2, "data-out");
	expect_done(d, &req, TGT_DONE_OK);
	expect_idle(d, n);
}

/* The beginning first, then all of it: each DATA_ONLY begins where the data begins. */
static void fetched_twice(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req;
	struct tgt_answer ans;

	fill(n->mem.addr, LEN, 3);
	req = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true });
	must_answer(d, fetch_data(d, &req, 1, 513));
	expect_done(d, &req, TGT_DONE_OK);
	expect_filled(d->mem + 1, 513, 3, "the beginning");
	must_answer(d, fetch_data(d, &req, LEN, LEN));
	expect_done(d, &req, TGT_DONE_OK);
	expect_filled(d->mem + LEN, LEN, 3, "data-out");
	ans = good(&req);
	ans.cmd_rsp.produced = LEN;
	must_answer(d, ans);
	expect_status(n, 1, GOOD);
	expect_done(d, &req, TGT_DONE_OK);
	expect_idle(d, n);
}

static void aborted_between_stages(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true }), tmf;

	must_answer(d, fetch_data(d, &req, 0, LEN));
	expect_done(d, &req, TGT_DONE_OK);
	tmf = submit_tmf(d, n, 2, SRP_TMF_ABORT_TASK, 0, 1);
	must_answer(d, aborted(&req));
	must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
	check(expect_tmf(n, 2, SRP_RSP_COMPLETE).delta == 2, "a credit is lost");
	expect_idle(d, n);
}

static void check_residual(const struct srpi_rsp *rsp, bool write, u32 offered, u32 produced)
{
	const u8 over = write ? SRP_RSP_DOOVER : SRP_RSP_DIOVER;
	const u8 under = write ? SRP_RSP_DOUNDER : SRP_RSP_DIUNDER;
	const u32 count = write ? rsp->out_res : rsp->in_res;
	const u8 flags = rsp->flags & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER | SRP_RSP_DIOVER | SRP_RSP_DIUNDER);

	if (produced == offered)
		check(!flags, "%u of %u bytes: flags %02xh", produced, offered, flags);
	else if (produced > offered)
		check(flags == over && count == produced - offered, "%u of %u bytes: flags %02xh, residual %u",
		      produced, offered, flags, count);
	else
		check(flags == under && count == offered - produced, "%u of %u bytes: flags %02xh, residual %u",
		      produced, offered, flags, count);
}

static void residuals(bool write, bool two)
{
	static const u32 produced[] = { 0, 1, 511, 4095, 4096, 4097, 8192, ~0u };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(produced); i++) {
		u32 len = produced[i] < 4096 ? produced[i] : 4096;
		struct tgt_event req = submit(d, n, &(struct io) { .tag = i, .len = 4096, .write = write });
		struct tgt_answer ans = read_data(d, &req, 0, len);
		struct srpi_rsp rsp;

		fill(write ? n->mem.addr : d->mem, 4096, i);
		if (two && len) {
			must_answer(d, fetch_data(d, &req, 0, len));
			expect_done(d, &req, TGT_DONE_OK);
			ans = good(&req);
		}
		ans.cmd_rsp.produced = produced[i];
		must_answer(d, ans);
		rsp = expect_status(n, i, GOOD);
		check_residual(&rsp, write, 4096, produced[i]);
		expect_filled(write ? d->mem : n->mem.addr, len, i, "data");
		expect_done(d, &req, TGT_DONE_OK);
	}
	expect_idle(d, n);
}

static void residuals_in(void)
{
	residuals(false, false);
}

static void residuals_out(void)
{
	residuals(true, false);
}

static void residuals_out_two_stages(void)
{
	residuals(true, true);
}

static void statuses(void)
{
	static const u8 statuses[] = { 0x00, 0x02, 0x04, 0x08, 0x18, 0x28, 0x30, 0x40 };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct tgt_event req = submit(d, n, &(struct io) { .tag = i });
		struct tgt_answer ans = good(&req);

		ans.cmd_rsp.status = statuses[i];
		must_answer(d, ans);
		expect_status(n, i, statuses[i]);
		expect_done(d, &req, TGT_DONE_OK);
	}
	expect_idle(d, n);
}

static void sense_data(void)
{
	static const u8 lengths[] = { 1, 8, 18, 32, TGT_SENSE_LEN };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct srpi_rsp rsp;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct tgt_event req = submit(d, n, &(struct io) { .tag = i });
		struct tgt_answer ans = good(&req);

		ans.cmd_rsp.status = CHECK_CONDITION;
		ans.cmd_rsp.sense_len = lengths[i];
		fill(ans.cmd_rsp.sense, lengths[i], 77);
		must_answer(d, ans);
		rsp = expect_status(n, i, CHECK_CONDITION);
		check(rsp.sense_len == lengths[i], "%u bytes of sense data instead of %u", rsp.sense_len, lengths[i]);
		expect_filled(rsp.sense, rsp.sense_len, 77, "sense data");
		expect_done(d, &req, TGT_DONE_OK);
	}
	expect_idle(d, n);
}

/* Status and data of a read that went well in part. */
static void data_with_sense(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = 4096 });
	struct tgt_answer ans = read_data(d, &req, 512, 1024);
	struct srpi_rsp rsp;

	fill(d->mem + 512, 1024, 4);
	ans.cmd_rsp.status = CHECK_CONDITION;
	ans.cmd_rsp.sense_len = 18;
	ans.cmd_rsp.sense[0] = 0x70;
	ans.cmd_rsp.sense[2] = 3;
	must_answer(d, ans);
	rsp = expect_status(n, 1, CHECK_CONDITION);
	check(srpi_sense(&rsp) >> 16 == 3, "sense key %x", srpi_sense(&rsp) >> 16);
	check_residual(&rsp, false, 4096, 1024);
	expect_filled(n->mem.addr, 1024, 4, "data-in");
	expect_done(d, &req, TGT_DONE_OK);
	expect_idle(d, n);
}

/* Every offset in a page, over borders of pages and of what lies side by side. */
static void odd_places(void)
{
	static const u32 offs[] = { 0, 1, 4095, 4096, 8191, 123457, MEM_SIZE - LEN };
	static const u32 lens[] = { 1, 3, 4096, 4097, 12289, LEN };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(offs); i++)
		for (j = 0; j < ARRAY_SIZE(lens); j++) {
			bool write = (i ^ j) & 1;
			struct tgt_event req = submit(d, n, &(struct io) { .tag = j, .len = lens[j], .write = write });
			u8 *from = write ? n->mem.addr : d->mem + offs[i], *to = write ? d->mem + offs[i] : n->mem.addr;

			memset(to, 0, lens[j]);
			fill(from, lens[j], i + j);
			must_answer(d, read_data(d, &req, offs[i], lens[j]));
			expect_status(n, j, GOOD);
			expect_filled(to, lens[j], i + j, "data");
			expect_done(d, &req, TGT_DONE_OK);
		}
	expect_idle(d, n);
}

const struct test data_tests[] = {
	{ "W-01 a write in two stages", two_stages },
	{ "W-02 a write in one stage", one_stage },
	{ "W-03 a write fetched twice", fetched_twice },
	{ "W-04 TM-C4 a write aborted between its stages", aborted_between_stages },
	{ "W-05 residuals of reads", residuals_in },
	{ "W-06 residuals of writes in one stage", residuals_out },
	{ "W-07 residuals of writes in two stages", residuals_out_two_stages },
	{ "W-08 any status", statuses },
	{ "W-09 sense data", sense_data },
	{ "W-10 data and sense data", data_with_sense },
	{ "W-11 any place in the buffer", odd_places },
	{ }
};
