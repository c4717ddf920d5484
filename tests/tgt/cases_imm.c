// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Immediate data: they are in a slot of the daemon when it learns of the command, if there is one. */
#include <errno.h>
#include <string.h>

#include "harness.h"

static void expect_lent(struct daemon *d, struct tgt_imm imm, int error, const char *what)
{
	int ret = lend_imm(d, &imm);

	check(ret == error, "%s: %s", what, ret ? strerror(-ret) : "taken");
}

#define LEND(change, error) do { \
	struct tgt_imm imm = { .buf_id = d->buf_id, .slot_len = IMM_LEN, .nr_slots = 2 }; \
	\
	change; \
	expect_lent(d, imm, error, #change); \
} while (0)

static void lending(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });

	LEND(imm.ring = 1, -EINVAL);
	LEND(imm.ring = ~0u, -EINVAL);
	LEND(imm.buf_id++, -EINVAL);
	LEND(imm.slot_len = 0, -EINVAL);
	LEND(imm.nr_slots = 0, -EINVAL);
	LEND(imm.nr_slots = TGT_MAX_SLOTS + 1, -EINVAL);
	LEND(imm.nr_slots = ~0u, -EINVAL);
	LEND(imm.slot_len = ~0u, -ERANGE);
	LEND(imm.nr_slots = MEM_SIZE / IMM_LEN + 1, -ERANGE);
	LEND(imm.off = MEM_SIZE - 2 * IMM_LEN + 1, -ERANGE);
	LEND(imm.off = ~0ULL, -ERANGE);
	LEND(imm.off = MEM_SIZE - 2 * IMM_LEN, 0);
	LEND(imm.off = 0, -EBUSY);
}

/* A write whose data come with it, from @off of the nexus, filled with @tag. */
static struct tgt_event submit_imm(struct daemon *d, struct nexus *n, u64 tag, u32 len)
{
	fill(n->mem.addr, len, tag);
	return submit(d, n, &(struct io) { .tag = tag, .len = len, .write = true, .imm = true });
}

static void expect_in_slot(struct daemon *d, const struct tgt_event *req, u32 slot)
{
	check(req->cmd_req.imm == slot, "slot %u instead of %u", req->cmd_req.imm, slot);
	expect_filled(d->mem + IMM_OFF + (slot - 1) * IMM_LEN, req->cmd_req.data_out_len, req->cmd_req.tag,
		      "data in the slot");
}

static void finish(struct daemon *d, struct nexus *n, const struct tgt_event *req)
{
	struct tgt_answer ans = good(req);

	ans.cmd_rsp.produced = req->cmd_req.data_out_len;
	must_answer(d, ans);
	check(!expect_status(n, req->cmd_req.tag, GOOD).flags, "a residual of nothing");
	expect_done(d, req, TGT_DONE_OK);
}

static void in_slots(void)
{
	struct daemon *d = daemon_open(&(struct options) { .imm_slots = 2 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[3];

	req[0] = submit_imm(d, n, 10, 512);
	expect_in_slot(d, &req[0], 1);
	req[1] = submit_imm(d, n, 11, IMM_LEN);
	expect_in_slot(d, &req[1], 2);
	expect_in_slot(d, &req[0], 1);
	/* There is no third one. */
	req[2] = submit_imm(d, n, 12, 512);
	check(!req[2].cmd_req.imm, "a slot that there is not");
	must_answer(d, fetch_data(d, &req[2], 0, 512));
	expect_done(d, &req[2], TGT_DONE_OK);
	expect_filled(d->mem, 512, 12, "data-out");
	finish(d, n, &req[2]);
	/* One that has ended makes room. */
	finish(d, n, &req[0]);
	req[0] = submit_imm(d, n, 13, 1024);
	expect_in_slot(d, &req[0], 1);
	expect_in_slot(d, &req[1], 2);
	finish(d, n, &req[1]);
	finish(d, n, &req[0]);
	expect_idle(d, n);
}

static void too_long(void)
{
	struct daemon *d = daemon_open(&(struct options) { .imm_slots = 2 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit_imm(d, n, 1, IMM_LEN + 512);

	check(!req.cmd_req.imm, "%u bytes in a slot of %u", IMM_LEN + 512, IMM_LEN);
	finish(d, n, &req);
	/* What does not come with its command has none either. */
	req = submit(d, n, &(struct io) { .tag = 2, .len = 512, .write = true });
	check(!req.cmd_req.imm, "a slot for data that have not come");
	finish(d, n, &req);
	expect_idle(d, n);
}

/* As if the data had been fetched: again is allowed, the answer in one stage is not. */
static void fetched_again(void)
{
	struct daemon *d = daemon_open(&(struct options) { .imm_slots = 1 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit_imm(d, n, 1, 512);

	must_reject(d, write_data(d, &req, 0, 512), -EINVAL, "an answer in one stage");
	must_answer(d, fetch_data(d, &req, 4096, 512));
	expect_done(d, &req, TGT_DONE_OK);
	expect_filled(d->mem + 4096, 512, 1, "data-out");
	expect_in_slot(d, &req, 1);
	finish(d, n, &req);
	expect_idle(d, n);
}

/* Aborted, unmapped, logged out: each gives its slot back. */
static void given_back(void)
{
	struct daemon *d = daemon_open(&(struct options) { .imm_slots = 1 });
	struct nexus *n = login(d, 1), *other;
	struct tgt_event req, tmf;
	int i;

	for (i = 0; i < 4; i++) {
		req = submit_imm(d, n, 1, 512);
		expect_in_slot(d, &req, 1);
		tmf = submit_tmf(d, n, 2, SRP_TMF_ABORT_TASK, 0, 1);
		must_answer(d, aborted(&req));
		must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
		expect_tmf(n, 2, SRP_RSP_COMPLETE);
	}
	other = login(d, 2);
	req = submit_imm(d, other, 3, 512);
	expect_in_slot(d, &req, 1);
	logout(other);
	expect(d, TGT_HOST_DOWN);
	must_answer(d, aborted(&req));
	req = submit_imm(d, n, 4, 512);
	expect_in_slot(d, &req, 1);
	finish(d, n, &req);
	expect_idle(d, n);
}

/* Data wait with their command for room in the ring. */
static void queued(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 1, .imm_slots = 8 });
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
		expect_in_slot(d, &req[i], i + 1);
	}
	for (i = 0; i < ARRAY_SIZE(req); i++)
		finish(d, n, &req[i]);
	expect_idle(d, n);
}

const struct test imm_tests[] = {
	{ "I-01 memory for immediate data", lending },
	{ "I-02 data in slots", in_slots },
	{ "I-03 data without a slot", too_long },
	{ "I-04 data that came and are fetched", fetched_again },
	{ "I-05 slots of what is aborted", given_back },
	{ "I-06 data that wait for the ring", queued },
	{ }
};
