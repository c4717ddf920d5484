// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* I: write data in memory that the daemon has lent, or on their way there, when it learns of the command. */
#include <errno.h>
#include <string.h>

#include "harness.h"

#define PAGE	((__u64)TGT_LENT_PAGE)

static void expect_lent(struct daemon *d, struct tgt_lend lent, int error, const char *what)
{
	int ret = lend(d, &lent);

	check(ret == error, "%s: %s", what, ret ? strerror(-ret) : "taken");
}

#define LEND(change, error) do { \
	struct tgt_lend lent = { .buf_id = d->buf_id, .len = 2 * PAGE }; \
	\
	change; \
	expect_lent(d, lent, error, #change); \
} while (0)

static void lending(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });

	LEND(lent.ring = 1, -EINVAL);
	LEND(lent.ring = ~0u, -EINVAL);
	LEND(lent.buf_id++, -EINVAL);
	LEND(lent.len = 0, -EINVAL);
	LEND(lent.len = PAGE - 1, -EINVAL);
	LEND(lent.len = TGT_MAX_LENT + PAGE, -EINVAL);
	LEND(lent.len = ~0ULL, -EINVAL);
	LEND(lent.off = 512, -EINVAL);
	LEND(lent.len = TGT_MAX_LENT, -ERANGE);
	LEND(lent.len = MEM_SIZE + PAGE, -ERANGE);
	LEND(lent.off = MEM_SIZE - PAGE, -ERANGE);
	LEND(lent.off = -PAGE, -ERANGE);
	LEND(lent.off = MEM_SIZE - 2 * PAGE, 0);
	LEND(lent.off = 0, -EBUSY);
}

/* A write whose data come with it, filled with @tag. */
static struct tgt_event submit_imm(struct daemon *d, struct nexus *n, u64 tag, u32 len)
{
	fill(n->mem.addr, len, tag);
	return submit(d, n, &(struct io) { .tag = tag, .len = len, .write = true, .imm = true });
}

static void expect_at(struct daemon *d, const struct tgt_event *req, u32 page)
{
	check(req->cmd_req.lent == page, "page %u instead of %u", req->cmd_req.lent, page);
	expect_filled(d->mem + LENT_OFF + (page - 1) * PAGE, req->cmd_req.data_out_len, req->cmd_req.tag,
		      "data in lent memory");
}

static void finish(struct daemon *d, struct nexus *n, const struct tgt_event *req)
{
	struct tgt_answer ans = good(req);

	ans.cmd_rsp.produced = req->cmd_req.data_out_len;
	must_answer(d, ans);
	check(!expect_status(n, req->cmd_req.tag, GOOD).flags, "a residual of nothing");
	check(expect_done(d, req, TGT_DONE_OK), "CMD_DONE: not ended");
}

static void came(void)
{
	struct daemon *d = daemon_open(&(struct options) { .lent = 2 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[3];

	req[0] = submit_imm(d, n, 10, 512);
	expect_at(d, &req[0], 1);
	req[1] = submit_imm(d, n, 11, PAGE);
	expect_at(d, &req[1], 2);
	expect_at(d, &req[0], 1);
	/* There is no third one. */
	req[2] = submit_imm(d, n, 12, 512);
	check(!req[2].cmd_req.lent, "a page that there is not");
	must_answer(d, fetch_data(d, &req[2], 0, 512));
	expect_done(d, &req[2], TGT_DONE_OK);
	expect_filled(d->mem, 512, 12, "data-out");
	finish(d, n, &req[2]);
	/* One that has ended makes room. */
	finish(d, n, &req[0]);
	req[0] = submit_imm(d, n, 13, 1024);
	expect_at(d, &req[0], 1);
	expect_at(d, &req[1], 2);
	finish(d, n, &req[1]);
	finish(d, n, &req[0]);
	expect_idle(d, n);
}

static void too_long(void)
{
	struct daemon *d = daemon_open(&(struct options) { .lent = 3 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[3];

	req[0] = submit_imm(d, n, 1, PAGE + 512);
	expect_at(d, &req[0], 1);
	req[1] = submit_imm(d, n, 2, PAGE + 512);
	check(!req[1].cmd_req.lent, "two pages where there is one");
	req[2] = submit_imm(d, n, 3, PAGE);
	expect_at(d, &req[2], 3);
	finish(d, n, &req[0]);
	finish(d, n, &req[1]);
	finish(d, n, &req[2]);
	/* All of it is free again. */
	req[0] = submit_imm(d, n, 4, 2 * PAGE);
	expect_at(d, &req[0], 1);
	finish(d, n, &req[0]);
	expect_idle(d, n);
}

/* As if the data had been fetched: again is allowed, the answer in one stage is not. */
static void fetched_again(void)
{
	struct daemon *d = daemon_open(&(struct options) { .lent = 1 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit_imm(d, n, 1, 512);

	must_reject(d, write_data(d, &req, 0, 512), -EINVAL, "an answer in one stage");
	must_answer(d, fetch_data(d, &req, 4096, 512));
	expect_done(d, &req, TGT_DONE_OK);
	expect_filled(d->mem + 4096, 512, 1, "data-out");
	expect_at(d, &req, 1);
	finish(d, n, &req);
	expect_idle(d, n);
}

/* Aborted, unmapped, logged out: each gives its room back. */
static void given_back(void)
{
	struct daemon *d = daemon_open(&(struct options) { .lent = 1 });
	struct nexus *n = login(d, 1), *other;
	struct tgt_event req, tmf;
	int i;

	for (i = 0; i < 4; i++) {
		req = submit_imm(d, n, 1, 512);
		expect_at(d, &req, 1);
		tmf = submit_tmf(d, n, 2, SRP_TMF_ABORT_TASK, 0, 1);
		must_answer(d, aborted(&req));
		must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
		expect_tmf(n, 2, SRP_RSP_COMPLETE);
	}
	other = login(d, 2);
	req = submit_imm(d, other, 3, 512);
	expect_at(d, &req, 1);
	logout(other);
	expect(d, TGT_HOST_DOWN);
	must_answer(d, aborted(&req));
	req = submit_imm(d, n, 4, 512);
	expect_at(d, &req, 1);
	finish(d, n, &req);
	expect_idle(d, n);
}

/* Data wait with their command for room in the ring. */
static void queued(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 1, .lent = 8 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[4];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(req); i++) {
		fill(n->mem.addr + i * 4096, 512, i);
		send_io(n, &(struct io) { .tag = i, .len = 512, .off = i * 4096, .write = true, .imm = true });
	}
	for (i = 0; i < ARRAY_SIZE(req); i++) {
		req[i] = expect(d, TGT_CMD_REQ);
		check(req[i].cmd_req.tag == i, "out of order");
		expect_at(d, &req[i], i + 1);
	}
	for (i = 0; i < ARRAY_SIZE(req); i++)
		finish(d, n, &req[i]);
	expect_idle(d, n);
}

/* ---- fetched ahead ---------------------------------------------------------------------------------------------- */

/* A nexus that does not receive what is sent, so that nothing behind that can be fetched from it. @before: what waits. */
static struct nexus *stuck(struct daemon *d, struct tgt_event *before)
{
	struct nexus *n = login_opts(d, 1, &no_receives);

	*before = submit(d, n, &(struct io) { .tag = 1 });
	must_answer(d, good(before));
	return n;
}


static struct tgt_event submit_ahead(struct daemon *d, struct nexus *n, u64 tag, u32 len)
{
	struct tgt_event req;

	fill(n->mem.addr, len, tag);
	req = submit(d, n, &(struct io) { .tag = tag, .len = len, .write = true });
	check(req.cmd_req.flags == TGT_REQ_FETCHING, "flags %#x", req.cmd_req.flags);
	return req;
}

static void ahead(void)
{
	struct daemon *d = daemon_open(&(struct options) { .lent = 8 });
	struct nexus *n = login(d, 1);
	struct tgt_event req;
	int i;

	for (i = 0; i < 3; i++) {
		req = submit_ahead(d, n, i, 8 * PAGE - i * 512);
		expect_done(d, &req, TGT_DONE_OK);
		expect_at(d, &req, 1);
		finish(d, n, &req);
	}
	/* As after any DATA_ONLY: again is allowed, the answer in one stage is not. */
	req = submit_ahead(d, n, 9, 512);
	check(!expect_done(d, &req, TGT_DONE_OK), "CMD_DONE: ended, when it has its data");
	must_reject(d, write_data(d, &req, 0, 512), -EINVAL, "an answer in one stage");
	must_answer(d, fetch_data(d, &req, 0, 512));
	expect_done(d, &req, TGT_DONE_OK);
	expect_filled(d->mem, 512, 9, "data-out");
	finish(d, n, &req);
	expect_idle(d, n);
}

/* No room in the memory, no WRITE, nothing to fetch: as without lent memory. */
static void not_ahead(void)
{
	static const u8 write_same[10] = { 0x41, [8] = 1 };
	const struct io ios[] = {
		{ .tag = 1, .len = 3 * PAGE, .write = true },
		{ .tag = 2, .len = 512, .write = true, .cdb = write_same, .cdb_len = sizeof(write_same) },
		{ .tag = 3, .len = 512 },
		{ .tag = 4 },
	};
	struct daemon *d = daemon_open(&(struct options) { .lent = 2 });
	struct nexus *n = login(d, 1);
	struct tgt_event req;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ios); i++) {
		req = submit(d, n, &ios[i]);
		check(!req.cmd_req.flags && !req.cmd_req.lent, "tag %u: fetched ahead", i + 1);
		must_answer(d, aborted(&req));
	}
	expect_idle(d, n);
}

/* Until the data are there the command is the kernel's, and a function waits; its daemon need not wake up for that. */
static void on_the_way(void)
{
	struct daemon *d = daemon_open(&(struct options) { .lent = 2 });
	struct tgt_event before, req, tmf;
	struct nexus *n = stuck(d, &before);

	fall_asleep(d, TGT_ASLEEP_SOUND);
	send_io(n, &(struct io) { .tag = 2, .len = PAGE, .write = true });
	wait_until(has_event, d, "CMD_REQ");
	check(!signalled(d), "a signal for data that have not come");
	req = expect(d, TGT_CMD_REQ);
	check(req.cmd_req.flags == TGT_REQ_FETCHING && req.cmd_req.lent == 1, "not fetched ahead");
	must_reject(d, good(&req), -ENOENT, "an answer before the data");
	must_reject(d, aborted(&req), -ENOENT, "an abort before the data");
	tmf = submit_tmf(d, n, 3, SRP_TMF_ABORT_TASK, 0, 2);
	expect_nothing(d);
	check(!srpi_post_recvs(n->ch), "receives cannot be posted");
	expect_status(n, 1, GOOD);
	expect_done(d, &before, TGT_DONE_OK);
	expect_done(d, &req, TGT_DONE_OK);
	must_answer(d, aborted(&req));
	must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
	expect_tmf(n, 3, SRP_RSP_COMPLETE);
	expect_idle(d, n);
}

/* The initiator goes: its data are not fetched, and the room is free for others. */
static void lost_on_the_way(void)
{
	struct daemon *d = daemon_open(&(struct options) { .lent = 1 });
	struct tgt_event before, req, ev;
	struct nexus *n = stuck(d, &before), *other;
	int i;

	req = submit_ahead(d, n, 2, 512);
	logout(n);
	/* HOST_DOWN, and the end of both, in any order. */
	for (i = 0; i < 3; i++) {
		ev = expect(d, ANY_EVENT);
		if (ev.type == TGT_CMD_DONE && ev.cmd_done.cmd_id == req.cmd_req.cmd_id)
			check(ev.cmd_done.result == TGT_DONE_LOST, "CMD_DONE says %u", ev.cmd_done.result);
	}
	must_answer(d, aborted(&req));
	other = login(d, 2);
	req = submit_ahead(d, other, 3, 512);
	expect_done(d, &req, TGT_DONE_OK);
	expect_at(d, &req, 1);
	finish(d, other, &req);
	expect_idle(d, other);
}

/* Who waits for room in the ring is told of without data. */
static void ahead_of_ring(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 1, .lent = 8 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[2];

	send_io(n, &(struct io) { .tag = 1 });
	send_io(n, &(struct io) { .tag = 2, .len = 512, .write = true });
	wait_until(is_pending, d, "a full ring");
	req[0] = expect(d, TGT_CMD_REQ);
	req[1] = expect(d, TGT_CMD_REQ);
	check(!req[1].cmd_req.flags && !req[1].cmd_req.lent, "fetched ahead");
	must_answer(d, aborted(&req[0]));
	must_answer(d, aborted(&req[1]));
	/* Its pages were given back. */
	req[0] = submit_ahead(d, n, 3, 8 * PAGE);
	expect_done(d, &req[0], TGT_DONE_OK);
	finish(d, n, &req[0]);
	expect_idle(d, n);
}

const struct test lent_tests[] = {
	{ "I-01 lending memory", lending },
	{ "I-02 data that came", came },
	{ "I-03 data without room", too_long },
	{ "I-04 data that came and are fetched", fetched_again },
	{ "I-05 room of what is aborted", given_back },
	{ "I-06 data that wait for the ring", queued },
	{ "I-07 data fetched ahead", ahead },
	{ "I-08 data not fetched ahead", not_ahead },
	{ "I-09 data on the way", on_the_way },
	{ "I-10 data of an initiator that goes", lost_on_the_way },
	{ "I-11 data ahead of the ring", ahead_of_ring },
	{ }
};
